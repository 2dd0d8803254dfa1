"""What can be wrong with a request before any use case sees it.

ShopError
├── Invalid: RequestInvalid (and below it ValidationFailed, MalformedJson …), UnsupportedMediaType
├── NotFound: RouteNotFound
└── Conflict: MethodNotAllowed
"""

from caddy_shopping.kernel.errors import Invalid, NotFound


class RequestInvalid(Invalid):
    """The request breaks the rules of HTTP or JSON, as opposed to the rules of the shop."""

    code = "REQUEST_INVALID"
    en = "The request is malformed: {reason}."
    zh = "请求格式错误：{reason}。"


class ValidationFailed(RequestInvalid):
    """`details` name each faulty place."""

    code = "VALIDATION_FAILED"
    en = "Some of the data sent is not valid; 'errors' says what and where."
    zh = "提交的数据无效，详情请见 errors。"


class MalformedJson(RequestInvalid):
    code = "MALFORMED_JSON"
    en = "The body is not valid JSON: {reason}."
    zh = "请求体不是有效的 JSON：{reason}。"


class BodyMissing(RequestInvalid):
    code = "BODY_MISSING"
    en = "This takes a JSON body."
    zh = "此操作需要 JSON 请求体。"


class ClientGone(RequestInvalid):
    """The caller hung up before the body was through; nobody reads the answer."""

    code = "CLIENT_GONE"
    en = "The connection ended before the whole body had arrived."
    zh = "请求体尚未完整到达，连接已中断。"


class UriTooLong(Invalid):
    code = "URI_TOO_LONG"
    en = "The URL is longer than the {limit} bytes that are taken here."
    zh = "网址超过了允许的 {limit} 字节。"


class UnsupportedMediaType(Invalid):
    code = "UNSUPPORTED_MEDIA_TYPE"
    en = "'{media_type}' is not taken here. Send 'Content-Type: application/json'."
    zh = "不支持“{media_type}”，请使用 application/json。"


class RouteNotFound(NotFound):
    code = "ROUTE_NOT_FOUND"
    en = "There is nothing at {path}. /api/docs lists what there is."
    zh = "路径 {path} 不存在，请查看 /api/docs。"


class MethodNotAllowed(Invalid):
    """`allow` lists the methods that the path does know."""

    code = "METHOD_NOT_ALLOWED"
    en = "{path} knows {allow}, not {method}."
    zh = "{path} 支持 {allow}，不支持 {method}。"
