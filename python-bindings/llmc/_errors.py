class Error(Exception):
    """What the compiler or the runtime refused, in words for people."""
