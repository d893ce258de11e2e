"""Conversations with the copilot: questions, streamed answers, and the question box on other pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from frontend.copilot import answers, calls
from frontend.copilot.passage import passage
from frontend.core import link, shell, states, words
from frontend.core.client import ApiDown, ApiError, Json

LONGEST = 1_000  # characters in a question
QUESTION, SERIES, FROM = "question", "series", "from"  # query parameters of the Copilot page

_CONVERSATIONS = "conversations"  # by workspace
_KEPT = 50  # turns in a conversation
_REMEMBERED = 10  # turns sent along with a question, and series per turn
_BADGES: dict[str, tuple[str, str, Literal["green", "orange", "gray"]]] = {
    "grounded": ("every number from the data", ":material/verified:", "green"),
    "fallback": ("offline answer: the provider did not answer", ":material/cloud_off:", "orange"),
    "abstained": ("Not in the data", ":material/search_off:", "gray"),
}


@dataclass
class Turn:
    """A question, the page it was asked on, and its result. While it is open it has neither answer nor error."""

    question: str
    page: str
    unique_id: str | None
    answer: Json | None = None
    error: ApiDown | ApiError | None = None

    def again(self) -> None:
        """Opens it again."""
        self.error = None

    def series(self) -> list[str]:
        """The series that the turn was about."""
        named = [self.unique_id, *(fact["unique_id"] for fact in (self.answer or {}).get("facts", []))]
        return list(dict.fromkeys(one for one in named if one))[:_REMEMBERED]


def conversation(workspace: str) -> list[Turn]:
    """Turns about a workspace in this session, oldest first."""
    turns: list[Turn] = st.session_state.setdefault(_CONVERSATIONS, {}).setdefault(workspace, [])
    return turns


def ask(workspace: str, question: str, page: str, unique_id: str | None = None) -> None:
    """Adds a question; it is answered where the conversation is next shown."""
    if question := question.strip():
        turns = conversation(workspace)
        turns.append(Turn(question, page, unique_id))
        del turns[:-_KEPT]
        st.session_state[QUESTION] = question


def show(workspace: str, turns: Sequence[Turn], key: str, newest: int = _KEPT) -> None:
    """Shows the newest turns. An open turn is answered as the answer arrives; follow-up questions come last."""
    for place, turn in enumerate(turns):
        if place < len(turns) - newest:
            continue
        with st.chat_message("user", avatar=":material/person:"):
            st.text(turn.question)
        with st.chat_message("assistant", avatar=":material/insights:"):
            here = st.empty()
            if turn.answer is None and turn.error is None:
                with here.container():
                    _listen(workspace, turn, turns[:place])
            with here.container():
                _said(turn, f"{key}-{place}")
    if turns and (answer := turns[-1].answer):
        suggested(workspace, answer["suggestions"], turns[-1].page, turns[-1].unique_id, f"{key}-next")


def suggested(workspace: str, questions: Sequence[str], page: str, unique_id: str | None, key: str) -> None:
    """Suggested questions as buttons."""
    with st.container(horizontal=True, gap="small"):
        for place, question in enumerate(questions):
            st.button(
                words.literal(question), key=f"{key}-{place}", on_click=ask, args=(workspace, question, page, unique_id)
            )


def entry(workspace: str, page: str, unique_id: str | None, key: str, placeholder: str) -> None:
    """Input field for a question."""

    def asked() -> None:
        ask(workspace, st.session_state[key] or "", page, unique_id)

    st.chat_input(placeholder, key=key, max_chars=LONGEST, on_submit=asked)


def beginnings(workspace: str, page: str, unique_id: str | None) -> list[str]:
    """Suggested first questions; empty if they cannot be loaded, because asking works without them."""
    try:
        return calls.suggestions(shell.client(), workspace, page, unique_id)
    except (ApiDown, ApiError):
        return []


@st.fragment
def box(workspace: str, page: str, unique_id: str | None = None) -> None:
    """Question box on a page, with the latest answer; the full conversation is on the Copilot page."""
    if not (
        opened := st.expander("Ask about this", icon=":material/forum:", key=f"box-{page}", on_change="rerun")
    ).open:
        return
    with opened:
        mine = [turn for turn in conversation(workspace) if (turn.page, turn.unique_id) == (page, unique_id)]
        show(workspace, mine, f"box-{page}", newest=1)
        if not mine:
            suggested(workspace, beginnings(workspace, page, unique_id), page, unique_id, f"box-{page}-first")
        entry(workspace, page, unique_id, f"box-{page}-entry", "Ask about what is on this page")
        if mine and st.button("Continue in Copilot", icon=":material/arrow_forward:", key=f"box-{page}-on"):
            about = {SERIES: unique_id} if unique_id else {}
            link.go("copilot", **{FROM: page, QUESTION: mine[-1].question, **about})


def _listen(workspace: str, turn: Turn, before: Sequence[Turn]) -> None:
    """Asks the service, and shows its progress and the answer as they arrive."""
    past = [{"question": one.question, "unique_ids": one.series()} for one in before if one.answer]
    asked: Json = {"workspace": workspace, "question": turn.question, "page": turn.page, "history": past[-_REMEMBERED:]}
    if turn.unique_id:
        asked["unique_id"] = turn.unique_id
    text = ""
    with st.spinner("Looking it up"):
        doing, saying = st.empty(), st.empty()
        try:
            for kind, content in calls.ask(shell.client(), asked):
                if kind == "tool":
                    doing.caption(f":material/manage_search: Reading: {words.literal(words.model(content['tool']))}")
                elif kind == "text":
                    text += content["text"]
                    saying.text(answers.plain(text))
                elif kind == "done":
                    turn.answer = content
        except (ApiDown, ApiError) as error:
            turn.error = error


def _said(turn: Turn, key: str) -> None:
    """Shows the result of a question."""
    if turn.error is not None:
        states.told(turn.error, "the question is kept")
        st.button("Ask again", icon=":material/refresh:", key=f"{key}-again", on_click=turn.again)
    if (answer := turn.answer) is None:
        return
    label, icon, colour = _BADGES[answer["grounding"]]
    with st.container(horizontal=True, gap="small"):
        st.badge(label, icon=icon, color=colour)
        st.markdown(
            words.badge(answer["provider"], "blue", ":material/smart_toy:"),
            help="Who wrote the answer.",
            width="content",
        )
    if answer.get("note"):
        st.caption(words.literal(answer["note"]))
    with st.container(border=answer["grounding"] == "abstained"):
        opened = passage(answer, key)
    if answer["citations"]:
        with st.expander(f"Quoted sources ({len(answer['citations'])})", icon=":material/format_quote:"):
            for one in answer["citations"]:
                st.text(" · ".join(text for text in (one["source"], one["heading"]) if text))
                st.code(one["quote"], language=None, wrap_lines=True)
    st.caption(_told(answer))
    if opened is not None:
        link.go(answers.page(opened), **({SERIES: opened["unique_id"]} if opened["unique_id"] else {}))


def _told(answer: Json) -> words.Markdown:
    """Caption of an answer: number of facts, author, and cost."""
    usage, count = answer["usage"], len(answer["facts"])
    tokens = usage["input_tokens"] + usage["output_tokens"]
    said = [f"{count} fact{'s' if count != 1 else ''}: select one to see where it comes from"] if count else []
    said += [f"by {words.literal(answer['model'])}", f"{answer['latency_ms'] / 1000:.1f} s"]
    return " · ".join([*said, f"{tokens:,} tokens"] if tokens else said)
