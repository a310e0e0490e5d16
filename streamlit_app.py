"""The home page: the whole way in one picture, and samples to start from."""

from ui import frame, home, photo, state
from ui.words import t

with frame.page("home") as here:
    current = state.visit().photo
    if current is not None:
        home.way(current)
    frame.page_link(frame.entry("classify"), t("home.start"), icon=":material/play_arrow:")
    photo.chooser()
