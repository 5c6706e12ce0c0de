"""Names, columns and units of data products, for everyone.

Only this sub-package of `skyassay.pipeline` may be imported by the simulator, the metrics
and verify: it knows what a product is and nothing about how it is made.
"""

from skyassay.pipeline.products.catalog import bands, canonical, product, products
from skyassay.pipeline.products.errors import ProductError
from skyassay.pipeline.products.model import Alias, Product, ProductColumn

__all__ = [
    "Alias",
    "Product",
    "ProductColumn",
    "ProductError",
    "bands",
    "canonical",
    "product",
    "products",
]
