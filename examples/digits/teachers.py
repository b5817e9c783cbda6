"""Three teachers for handwritten digits, trained in plain torch and uploaded: what you do with your own models.

The digits are scikit-learn's 1,797 (8x8 pixels of 0 to 16), in the order in which 14 forms were filled in: forms 1 to 8 (1,029 rows) are learned
from, forms 9 to 14 (768 rows) are held out.
"""

from collections import OrderedDict
from collections.abc import Callable

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from stillhouse import Stillhouse
from stillhouse.types import Convnet, NewSignature

TRAIN, ROWS = 1029, 1797
STEPS, BATCH = 900, 64
ARCHITECTURE: Convnet = {"type": "convnet", "channels": [16, 32], "hidden": 64, "norm": "batch", "dropout": 0.3}
SIGNATURE: NewSignature = {
    "input": {"kind": "image", "shape": [8, 8], "dtype": "uint8", "scale": 1 / 16},
    "output": {"kind": "classes", "classes": [str(digit) for digit in range(10)]},
}


def digits() -> tuple[Tensor, Tensor]:
    """Images (1797, 8, 8) of uint8, labels (1797,)."""
    found = load_digits()
    return torch.tensor(found.images, dtype=torch.uint8), torch.tensor(found.target)


def network() -> nn.Sequential:
    """The architecture above, layer by layer; the names are those that Stillhouse documents."""
    return nn.Sequential(OrderedDict(
        conv0=nn.Conv2d(1, 16, 3, padding=1), norm0=nn.BatchNorm2d(16), relu0=nn.ReLU(), pool0=nn.MaxPool2d(2),
        conv1=nn.Conv2d(16, 32, 3, padding=1), norm1=nn.BatchNorm2d(32), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        flatten=nn.Flatten(), drop0=nn.Dropout(0.3), hidden=nn.Linear(128, 64), relu2=nn.ReLU(),
        drop1=nn.Dropout(0.3), output=nn.Linear(64, 10),
    ))  # fmt: skip


def jittered(x: Tensor) -> Tensor:
    """Images (B, 1, 8, 8), each moved by up to half a pixel, turned by up to 0.1 radians and scaled by up to 10%."""
    rows = len(x)
    angle = (torch.rand(rows) * 2 - 1) * 0.1
    scale = 1 + (torch.rand(rows) * 2 - 1) * 0.1
    shift = (torch.rand(rows, 2) * 2 - 1) * (0.5 / 4)  # grid units: 8 pixels are 2
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    turned = torch.stack([cosine, -sine, sine, cosine], 1).view(rows, 2, 2)
    grid = F.affine_grid(torch.cat([turned, shift[:, :, None]], 2), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def train(
    x: Tensor, y: Tensor, seed: int, steps: int = STEPS, said: Callable[[int], None] = lambda step: None
) -> nn.Sequential:
    """One teacher, trained on all rows of x (N, 8, 8) and y (N,). `said` hears of every step."""
    torch.manual_seed(seed)
    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps, pct_start=0.1)
    inputs = x[:, None].float() / 16
    for step in range(steps):
        rows = torch.randint(len(inputs), (BATCH,))
        loss = F.cross_entropy(model(jittered(inputs[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        optimizer.step()
        schedule.step()
        said(step + 1)
    return model.eval()


def upload(client: Stillhouse, model: nn.Sequential, name: str) -> str:
    """The id of the model, once the server has checked it."""
    weights = model.state_dict()
    made = client.models.upload(weights, architecture=ARCHITECTURE, signature=SIGNATURE, name=name, labels_seen=TRAIN)
    return client.models.wait(made["id"])["id"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    images, labels = digits()
    with Stillhouse() as client:
        for number in range(3):
            print(upload(client, train(images[:TRAIN], labels[:TRAIN], seed=number), f"digits-teacher-{number + 1}"))
