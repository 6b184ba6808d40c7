from gi.repository import GLib

class Colorspace:
    RGB: Colorspace

class InterpType:
    BILINEAR: InterpType

class Pixbuf:
    @staticmethod
    def new_from_bytes(
        data: GLib.Bytes, space: Colorspace, has_alpha: bool, bits: int, width: int, height: int, row_bytes: int
    ) -> Pixbuf: ...
    def scale_simple(self, width: int, height: int, how: InterpType) -> Pixbuf: ...
