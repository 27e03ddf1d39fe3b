"""HTTP to applications: which addresses may be asked, the requests themselves, and what is kept of them."""
