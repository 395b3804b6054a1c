"""What the checks of all clients share."""


def raised(kind, work):
    """The error of this kind that the work ends in."""
    try:
        work()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
