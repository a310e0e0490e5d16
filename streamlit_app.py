"""The home page: the whole way in one picture, and samples to start from."""

from ui import frame, home, home_language, home_questions, home_tuning, photo, state

with frame.page("home") as here:
    current = state.visit().photo
    if current is not None:
        home.way(current)
    photo.chooser(leads_to="classify")
    home.sentence()
    home_language.station()
    home.words()
    home_tuning.station()
    home_questions.station()
