"""The settings: what there is (`model`), where it is read from (`load`), what contradicts (`checks`), those of `dev`, and its `identity`.

Nothing is imported here: commands that only need the identity of `dev` must start quickly.
"""
