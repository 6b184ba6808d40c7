class Value:
    def __init__(self, kind: type, value: object) -> None: ...

class ParamFlags:
    READWRITE: ParamFlags
