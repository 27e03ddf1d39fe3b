"""Who owns what: accounts, their numbers and applications, and who may ask for them.

`directory` holds them in memory over the store, `identity` derives an account's names on the other platforms, `operator` is the admin token,
`principal` is who asks.
"""
