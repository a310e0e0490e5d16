"""A page that puts work into the queue: tells how often its script ran, and in which process."""

import os
from pathlib import Path

import streamlit as st

from core.tuning.queue import queue

with Path(os.environ["GLASSBOX_TEST_RUNS"]).open("a") as file:
    file.write(f"{os.getpid()} {__name__}\n")

if "run" not in st.session_state:
    st.session_state.run = queue().submit("visitor", "tests.slow_work:main_module", seconds=1)
st.session_state.run.wait(30)
st.text(f"result: {st.session_state.run.state} {Path(str(st.session_state.run.result)).name}")
