"""Names that AWS takes."""

import re

PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def bucket_name_problem(name: str) -> str:
    """Reason why S3 takes no bucket of this name, with a name that it takes; empty where it does.

    S3 User Guide, "General purpose bucket naming rules".
    """
    if not 3 <= len(name) <= 63:
        return f"{name!r} has {len(name)} characters; 3 to 63 are right"
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", name):
        return (
            f"{name!r} has other characters; lower-case letters, digits, dots and dashes are right, no dash at the ends"
        )
    if ".." in name:
        return f"{name!r} has two dots together; put one"
    if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name):
        return f"{name!r} looks like an address; put a letter in"
    if found := next((prefix for prefix in PREFIXES if name.startswith(prefix)), None):
        return f"{name!r} begins with {found!r}, which AWS reserves; choose another prefix"
    if found := next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None):
        return f"{name!r} ends in {found!r}, which AWS reserves; choose another suffix"
    return ""
