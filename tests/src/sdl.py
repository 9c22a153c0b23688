"""An SDL2 game without the game: opens each controller that comes, tells what happens on it, and rumbles at button B."""

import ctypes
import os

SDL = ctypes.CDLL("libSDL2-2.0.so.0")
for name in ("SDL_GameControllerOpen", "SDL_GameControllerName"):
    getattr(SDL, name).restype = ctypes.c_void_p
SDL.SDL_GameControllerName.restype = ctypes.c_char_p
SDL.SDL_GetError.restype = ctypes.c_char_p

INIT_GAMECONTROLLER = 0x2000
QUIT, AXIS, BUTTON_DOWN, BUTTON_UP, ADDED, REMOVED = 0x100, 0x650, 0x651, 0x652, 0x653, 0x654
BUTTON_B = 1


class Event(ctypes.Structure):
    """SDL_Event, as far as controllers go: type, time, which, and from byte 12 on what depends on the type."""

    _fields_ = [
        ("type", ctypes.c_uint32),
        ("time", ctypes.c_uint32),
        ("which", ctypes.c_int32),
        ("number", ctypes.c_uint8),
        ("state", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 2),
        ("value", ctypes.c_int16),
        ("rest", ctypes.c_uint8 * 110),
    ]


assert ctypes.sizeof(Event) == 128
if SDL.SDL_Init(INIT_GAMECONTROLLER) != 0:
    raise SystemExit(SDL.SDL_GetError())
print("ready", flush=True)
controller = None
event = Event()
while os.getppid() != 1:
    if not SDL.SDL_WaitEventTimeout(ctypes.byref(event), 1000):
        continue
    if event.type == QUIT:
        break
    if event.type == ADDED:
        controller = ctypes.c_void_p(SDL.SDL_GameControllerOpen(event.which))
        print("added", SDL.SDL_GameControllerName(controller).decode(), flush=True)
    elif event.type == REMOVED:
        print("removed", flush=True)
    elif event.type == AXIS:
        print("axis", event.number, event.value, flush=True)
    elif event.type in (BUTTON_DOWN, BUTTON_UP):
        print("button", event.number, event.state, flush=True)
        if event.type == BUTTON_DOWN and event.number == BUTTON_B:
            if SDL.SDL_GameControllerRumble(controller, 0xFFFF, 0x4000, 500) != 0:
                print("no rumble:", SDL.SDL_GetError().decode(), flush=True)
