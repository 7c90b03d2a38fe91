def page(document: dict, types: str) -> str:
    return ""
