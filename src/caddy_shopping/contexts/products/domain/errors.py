"""Everything that the catalogue refuses, besides what its contract names."""

from caddy_shopping.kernel.errors import Conflict, Invalid, NotFound, TooLarge


class CategoryNotFound(NotFound):
    code = "CATEGORY_NOT_FOUND"
    en = "There is no such category."
    zh = "分类不存在。"


class MediaNotFound(NotFound):
    code = "MEDIA_NOT_FOUND"
    en = "There is no such picture."
    zh = "图片不存在。"


class SlugTaken(Conflict):
    code = "SLUG_TAKEN"
    en = "The slug '{slug}' is taken. Choose another, or leave it out and one is made from the title."
    zh = "标识“{slug}”已被使用，请更换或留空以自动生成。"


class SkuTaken(Conflict):
    code = "SKU_TAKEN"
    en = "The SKU '{sku}' belongs to another product."
    zh = "SKU“{sku}”已属于其他商品。"


class CategoryInUse(Conflict):
    code = "CATEGORY_IN_USE"
    en = "The category still has products or categories below it. Move them first."
    zh = "该分类下仍有商品或子分类，请先移走。"


class CategoryLoop(Conflict):
    code = "CATEGORY_LOOP"
    en = "A category cannot lie below itself."
    zh = "分类不能移动到自身之下。"


class CategoryTooDeep(Invalid):
    code = "CATEGORY_TOO_DEEP"
    en = "Categories nest at most {depth} deep."
    zh = "分类最多嵌套 {depth} 层。"


class ProductInvalid(Invalid):
    """`details` name each faulty field by its pointer."""

    code = "PRODUCT_INVALID"
    en = "The product cannot be taken as it is: {problem}."
    zh = "商品数据无效：{problem}。"


class QuantityInvalid(Invalid):
    code = "QUANTITY_INVALID"
    en = "An order reserves at least one line, and 1 to {most} pieces of each."
    zh = "订单至少包含一个商品行，每行数量为 1 到 {most}。"


class StockBelowZero(Conflict):
    code = "STOCK_BELOW_ZERO"
    en = "Stock is {stock}; a change by {delta} would leave it out of bounds."
    zh = "当前库存为 {stock}，变动 {delta} 将超出允许范围。"


class ImageTypeUnknown(Invalid):
    code = "IMAGE_TYPE_UNKNOWN"
    en = "This is no PNG, JPEG, WebP or GIF picture."
    zh = "仅支持 PNG、JPEG、WebP 或 GIF 图片。"


class ImageTooLarge(TooLarge):
    code = "IMAGE_TOO_LARGE"
    en = "The picture is larger than {limit} bytes."
    zh = "图片超过 {limit} 字节。"


class FilterInvalid(Invalid):
    code = "FILTER_INVALID"
    en = "The filter '{name}' cannot be read: {expected}."
    zh = "筛选条件“{name}”无效：{expected}。"
