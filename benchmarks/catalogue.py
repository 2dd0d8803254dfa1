"""A catalogue of any size, as a Shopify CSV that looks like a shop's."""

import csv
import random
from pathlib import Path

TYPES = ["Shirt", "Jacket", "Ring", "Necklace", "Lamp", "Vase", "Chair", "茶具", "丝巾", "Sneaker"]
WORDS = "ocean classic silk wool floral striped leather navy silver gold 青花 竹 soft bold vintage modern".split()
SIZES = ["Small", "Medium", "Large"]
HEADER = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,Variant Grams,"
    "Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Requires Shipping,"
    "Variant Taxable,Image Src,Status"
).split(",")


def write_catalogue(path: Path, products: int, seed: int = 7) -> None:
    """`products` products of three variants each, with plenty in stock."""
    chance = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(products):
            kind, words = chance.choice(TYPES), chance.sample(WORDS, 3)
            handle, title = f"p-{number:06}", f"{' '.join(words).title()} {kind} {number}"
            price = chance.randrange(1000, 50000) / 100
            for place, size in enumerate(SIZES):
                first = place == 0
                writer.writerow(
                    [
                        handle,
                        title if first else "",
                        f"<p>A {words[0]} {kind.lower()}, number {number}.</p>" if first else "",
                        f"Vendor {number % 50}" if first else "",
                        kind if first else "",
                        f"{words[0]}, {words[1]}" if first else "",
                        "true" if first else "",
                        "Size" if first else "",
                        size,
                        f"SKU-{number:06}-{size[0]}",
                        200,
                        "shopify",
                        1_000_000,
                        "deny",
                        f"{price + place:.2f}",
                        "true",
                        "true",
                        f"https://images.example/{handle}.jpg" if first else "",
                        "active" if first else "",
                    ]
                )
