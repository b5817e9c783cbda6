"""Vectors of texts that were met before, in memory and, where a folder is given, in a file for each set of texts."""

from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from examples.teacher_server.encoder import WIDTH, Encoder

MOST = 50_000  # vectors in memory: 77 MB


class Embeddings:
    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        self.encoder, self.folder, self.known = encoder, folder, dict[str, Tensor]()

    def __call__(self, texts: list[str], *, coarse: bool = False) -> Tensor:
        """Unit vectors (B, D); what is not known yet goes through the encoder."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self.known]
        fresh = dict(zip(unknown, self.encoder.encode(unknown, coarse=coarse), strict=True)) if unknown else {}
        found = torch.stack([fresh[text] if text in fresh else self.known[text] for text in texts])
        if len(self.known) + len(fresh) <= MOST:
            self.known |= fresh
        return found

    def of_set(self, texts: list[str]) -> Tensor:
        """Unit vectors (B, D), coarse ones, of a set that will be asked for again: its file is named by the digest of texts and
        weights."""
        if self.folder is None:
            return self(texts, coarse=True)
        digest = sha256("\0".join([self.encoder.digest, *texts]).encode()).hexdigest()
        path = self.folder / f"{digest[:32]}.safetensors"
        if path.exists():
            vectors_BD = load_file(path)["vectors"]
            assert vectors_BD.shape == (len(texts), WIDTH)
            self.known |= dict(zip(texts, vectors_BD, strict=True))
            return vectors_BD
        vectors_BD = self(texts, coarse=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_file({"vectors": vectors_BD}, partial)
        partial.replace(path)
        return vectors_BD
