class WrapMode:
    WORD_CHAR: WrapMode

class EllipsizeMode:
    END: EllipsizeMode
