"""Small voice applications to try the server with, and to copy from. They know nothing of Roomtone: they only speak HTTP and TwiML."""
