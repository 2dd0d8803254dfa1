"""Why a row of a product CSV, or the whole file, cannot be taken.

RowRefused (Invalid)    one row; or a product, where the row is its first
FileRefused (Invalid)   nothing after this point of the file can be read
"""

from caddy_shopping.kernel.errors import Invalid


def shown(value: str, most: int = 80) -> str:
    """`value` as a message may quote it: short, and nothing in it that a terminal or a reader would trip over."""
    return "".join(char if char.isprintable() else "�" for char in value[:most])


class RowRefused(Invalid):
    code = "CSV_ROW_REFUSED"
    en = "This row cannot be taken."
    zh = "无法导入此行。"


class FileRefused(Invalid):
    code = "CSV_FILE_REFUSED"
    en = "This file cannot be read."
    zh = "无法读取此文件。"


class HeaderMissing(FileRefused):
    code = "CSV_HEADER_MISSING"
    en = "The first line must name the columns of a Shopify product CSV. Missing: {missing}. The line begins: {found}"
    zh = "首行必须是 Shopify 商品 CSV 的列名，缺少：{missing}。该行开头为：{found}"


class HeaderRepeated(FileRefused):
    code = "CSV_HEADER_REPEATED"
    en = "The column '{column}' is there twice."
    zh = "列“{column}”重复出现。"


class NotText(FileRefused):
    code = "CSV_NOT_TEXT"
    en = "Byte {position} (0x{byte}) is not {encoding} text. Save the file as UTF-8 and import it again."
    zh = "第 {position} 个字节（0x{byte}）不是 {encoding} 文本，请将文件另存为 UTF-8 后重新导入。"


class NotACatalogue(FileRefused):
    code = "CSV_NOT_A_CATALOGUE"
    en = "Not one of the first {rows} rows could be taken, so the import stopped at line {line}."
    zh = "前 {rows} 行均无法导入，已在第 {line} 行停止。"


class Malformed(RowRefused):
    code = "CSV_ROW_MALFORMED"
    en = "The quotes of this row do not match: a quote is never closed, or text follows a closing quote."
    zh = "该行引号不匹配：引号未闭合，或闭合引号后仍有文字。"


class RowTooLong(RowRefused):
    code = "CSV_ROW_TOO_LONG"
    en = "The row is longer than {limit} characters; most likely a quote is never closed."
    zh = "该行超过 {limit} 个字符，可能存在未闭合的引号。"


class CellCountWrong(RowRefused):
    code = "CSV_CELL_COUNT"
    en = "The row has {cells} cells and the header {columns}: a comma too many or too few, or the line was cut off."
    zh = "该行有 {cells} 个单元格，而表头有 {columns} 列：逗号过多或过少，或该行被截断。"


class NotPrintable(RowRefused):
    code = "CSV_NOT_PRINTABLE"
    en = "{column} holds the control character {character}."
    zh = "{column} 含有控制字符 {character}。"


class InvisibleCharacter(RowRefused):
    """In what people type or scan (handle, SKU, barcode) a character that nobody sees is a trap."""

    code = "CSV_INVISIBLE_CHARACTER"
    en = "{column} holds the invisible character {character}: '{value}'."
    zh = "{column} 含有不可见字符 {character}：“{value}”。"


class TooLong(RowRefused):
    code = "CSV_TOO_LONG"
    en = "{column} is {length} characters long, at most {limit} are kept."
    zh = "{column} 长度为 {length} 个字符，最多允许 {limit} 个。"


class HandleMissing(RowRefused):
    code = "CSV_HANDLE_MISSING"
    en = "The row has no Handle, so it belongs to no product."
    zh = "该行缺少 Handle，不属于任何商品。"


class HandleInvalid(RowRefused):
    code = "CSV_HANDLE_INVALID"
    en = "The Handle '{handle}' cannot be part of a web address: only letters and digits, with hyphens between them."
    zh = "Handle“{handle}”不能用作网址的一部分：只能包含字母和数字，中间可用连字符。"


class TitleMissing(RowRefused):
    code = "CSV_TITLE_MISSING"
    en = "The first row of a new product needs a Title."
    zh = "新商品的首行必须有 Title。"


class FirstRowRefused(RowRefused):
    code = "CSV_FIRST_ROW_REFUSED"
    en = "The product '{handle}' was refused at line {first}."
    zh = "商品“{handle}”已在第 {first} 行被拒绝。"


class RowEmpty(RowRefused):
    code = "CSV_ROW_EMPTY"
    en = "The row names neither a variant nor an image."
    zh = "该行既没有规格也没有图片。"


class PriceMissing(RowRefused):
    code = "CSV_PRICE_MISSING"
    en = "Variant Price is missing (write 0 for something that is free)."
    zh = "缺少 Variant Price（免费商品请填 0）。"


class PriceInvalid(RowRefused):
    code = "CSV_PRICE_INVALID"
    en = "{column} '{value}' is not an amount of {currency} such as 1,234.50, zero or more."
    zh = "{column}“{value}”不是有效的 {currency} 金额，应形如 1,234.50 且不小于零。"


class NumberInvalid(RowRefused):
    code = "CSV_NUMBER_INVALID"
    en = "{column} '{value}' is not a whole number from 0 to {most}."
    zh = "{column}“{value}”不是 0 到 {most} 之间的整数。"


class WeightInvalid(RowRefused):
    code = "CSV_WEIGHT_INVALID"
    en = "{column} '{value}' is not a weight of at most {most} grams (units: g, kg, lb, oz)."
    zh = "{column}“{value}”不是有效的重量，最多 {most} 克（单位：g、kg、lb、oz）。"


class ChoiceInvalid(RowRefused):
    code = "CSV_CHOICE_INVALID"
    en = "{column} is '{value}'; it can be {choices}."
    zh = "{column} 为“{value}”，可选值：{choices}。"


class UrlInvalid(RowRefused):
    code = "CSV_URL_INVALID"
    en = "{column} '{value}' is not an http(s) address."
    zh = "{column}“{value}”不是有效的 http(s) 地址。"


class OptionMissing(RowRefused):
    code = "CSV_OPTION_MISSING"
    en = "The row gives no value for the product's option '{option}'."
    zh = "该行缺少商品选项“{option}”的值。"


class OptionUnnamed(RowRefused):
    code = "CSV_OPTION_UNNAMED"
    en = "The row gives the value '{value}' for an option that the product's first variant does not name."
    zh = "该行给出了“{value}”，但商品的首个规格未命名该选项。"


class OptionsDiffer(RowRefused):
    code = "CSV_OPTIONS_DIFFER"
    en = "The product has the options {kept} in the shop and {given} in the file. Change them in the shop first."
    zh = "该商品在店内的选项为 {kept}，文件中为 {given}，请先在店内修改。"


class VariantMissing(RowRefused):
    code = "CSV_VARIANT_MISSING"
    en = "A new product needs at least one variant with a Variant Price."
    zh = "新商品至少需要一个带 Variant Price 的规格。"


class VariantsTooMany(RowRefused):
    code = "CSV_VARIANTS_TOO_MANY"
    en = "A product has at most {most} variants."
    zh = "一个商品最多有 {most} 个规格。"


class VariantRepeated(RowRefused):
    code = "CSV_VARIANT_REPEATED"
    en = "The product's row at line {first} has the same option values."
    zh = "该商品第 {first} 行已有相同的选项值。"


class SkuElsewhere(RowRefused):
    code = "CSV_SKU_TAKEN"
    en = "The SKU '{sku}' belongs to {owner}."
    zh = "SKU“{sku}”已被占用（{owner}）。"
