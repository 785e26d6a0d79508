"""A service with OpenAI's /chat/completions on loopback, which names what it is given."""

import json

from tests.support.stub_provider import Answer

PATH = "/v1/chat/completions"
KEY = "sk-key-of-the-model"


def said(text, reason="stop"):
    return Answer(json={"choices": [{"finish_reason": reason, "message": {"role": "assistant", "content": text}}]})


class LanguageModel:
    """Calls each topic and each meeting by a number, and keeps what it was asked."""

    def __init__(self, stub):
        self.stub = stub
        self.asked = []
        stub.on("POST", PATH, self.answer)

    def answer(self, request):
        body = json.loads(request.body)
        self.asked.append(body)
        return said(json.dumps(self.found(body)))

    def found(self, body):
        if "topics" not in body["response_format"]["json_schema"]["schema"]["properties"]:
            step = {"task": "Hire somebody", "assigned_to": "Grace", "deadline": "Friday", "context": ""}
            decision = {"decision": "The budget stands", "decided_by": "Ada", "context": ""}
            items = {"decisions": [decision], "next_steps": [step]}
            summaries = {"short_summary": "Short & good.", "long_summary": "Long."}
            return {"title": "The <budget>", **summaries, "action_items": items}
        lines = body["messages"][1]["content"].splitlines()
        numbers = [int(line[2:]) for line in lines if line.startswith("# ")]
        return {"topics": [{"number": n, "title": f"Topic {n}", "summary": f"About {n}."} for n in numbers]}
