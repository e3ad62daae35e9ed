"""The process behind ``--show``: a window that shows the pictures which come in.

Standard input: for each picture its width and height (two little-endian uint32), then its bytes,
uint8 ``[H, W, 3]``, RGB. Standard output: ``ready``, or what is missing. The window stays after the
last picture; the process ends with it. ``q`` or Escape closes it, ``f`` fills the screen.
"""

from __future__ import annotations

import struct
import sys
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image

if TYPE_CHECKING:
    import tkinter

__all__ = ["main"]

_HEADER = struct.Struct("<II")
_POLL_MS = 15
_FIRST_WIDTH = 960
_SCREEN_SHARE = 0.9
_FOOTER = "research use, not a diagnosis"


def main(title: str) -> int:
    """Show a window until it is closed; return the exit code."""
    try:
        import tkinter
    except ImportError:
        print("no tkinter", flush=True)
        return 1
    try:
        root = tkinter.Tk(className="saliedge")
    except tkinter.TclError as error:
        print(str(error).splitlines()[0], flush=True)
        return 1
    root.title(title)
    _Viewer(root, sys.stdin.buffer)
    print("ready", flush=True)
    root.mainloop()
    return 0


class _Viewer:
    """A label that shows the latest picture as large as the window lets it."""

    def __init__(self, root: tkinter.Tk, pictures: BinaryIO) -> None:
        import tkinter

        self._tkinter = tkinter
        self._root = root
        self._pictures = pictures
        self._lock = threading.Lock()
        self._latest: Image.Image | None = None
        self._image: Image.Image | None = None
        self._shown: Image.Image | None = None
        self._room = (0, 0)
        self._photo: Any = None  # Tk does not keep what it shows alive
        root.configure(background="black")
        footer = tkinter.Label(root, text=_FOOTER, background="black", foreground="#c8c8c8")
        footer.pack(side="bottom", fill="x")
        self._label = tkinter.Label(root, background="black", borderwidth=0)
        self._label.pack(expand=True, fill="both")
        for key in ("q", "Escape"):
            root.bind(f"<{key}>", lambda _event: root.destroy())
        root.bind("<f>", lambda _event: self._toggle_full_screen())
        threading.Thread(target=self._read, daemon=True).start()
        root.after(_POLL_MS, self._poll)

    def _read(self) -> None:
        """Keep the latest picture of the pipe until it ends."""
        while header := self._pictures.read(_HEADER.size):
            width, height = _HEADER.unpack(header)
            data = self._pictures.read(width * height * 3)
            if len(data) < width * height * 3:
                return
            image = Image.frombytes("RGB", (width, height), data)
            with self._lock:
                self._latest = image

    def _poll(self) -> None:
        """Show what has come, or the same in the window's new size."""
        with self._lock:
            image, self._latest = self._latest, None
        if image is not None:
            if self._image is None:
                self._open_at(image.size)
            self._image = image
        self._draw()
        self._root.after(_POLL_MS, self._poll)

    def _draw(self) -> None:
        image, room = self._image, (self._label.winfo_width(), self._label.winfo_height())
        if image is None or min(room) < 2 or (self._shown is image and self._room == room):
            return
        self._shown, self._room = image, room
        scale = min(room[0] / image.width, room[1] / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        fitted = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)
        head = b"P6 %d %d 255 " % size
        self._photo = self._tkinter.PhotoImage(data=head + fitted.tobytes(), format="PPM")
        self._label.configure(image=self._photo)

    def _open_at(self, size: tuple[int, int]) -> None:
        """Give the window the shape of its first picture, and no more than the screen has."""
        screen = (self._root.winfo_screenwidth(), self._root.winfo_screenheight())
        room = [_SCREEN_SHARE * side for side in screen]
        scale = min(_FIRST_WIDTH / size[0], room[0] / size[0], room[1] / size[1])
        footer = self._root.winfo_height() - self._label.winfo_height()
        width, height = round(size[0] * scale), round(size[1] * scale) + footer
        self._root.geometry(f"{width}x{height}")

    def _toggle_full_screen(self) -> None:
        self._root.attributes("-fullscreen", not self._root.attributes("-fullscreen"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
