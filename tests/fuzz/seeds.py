"""What a search begins with: for each target, what it usually gets."""

import gzip
from pathlib import Path

_TWEET = (
    b'{"created_at":"x","id":1,"id_str":"1","text":"t","user":{"id":2,"id_str":"2"},"lang":"en"}'
)
_POST = b'{"data":{"id":"1","text":"t"},"matching_rules":[{"id":"2","tag":"tcc:1"}]}'
_NEAR = (
    b'{"data":{"attachments":{},"entities":{"urls":[{"title":"\\"data\\":{"}]},"geo":{},"id":"1"},'
    b'"includes":{"users":[{"id":"3"}]},"matching_rules":[{"embedding_similarity":0.71,'
    b'"embedding_threshold":0.7,"id":"2","tag":""},{"id":"4","tag":"tcc:1"}]}'
)
_JOB = (
    b'{"id":7,"name":"test","status":3,"keywords":"a","total_count":5,"assigned_worker":1,'
    b'"archived_date":null,"recent_update":{"total_count":5}}'
)
SEEDS: dict[str, tuple[bytes, ...]] = {
    "stream": (b"\0\1\2\3\4\5\6\7" + _TWEET + b"\r\n\r\n" + _POST + b"\r\n",),
    "corrupt": (gzip.compress(_TWEET + b"\r\n", mtime=0),),
    "message": (
        _TWEET,
        _POST,
        _NEAR,
        b'{"limit":{"track":5}}',
        b'{"disconnect":{"code":4,"stream_name":"","reason":""}}',
        b'{"errors":[{"title":"operational-disconnect","disconnect_type":"x","detail":"y"}]}',
        b"Exceeded connection limit for user",
    ),
    "settings": (Path(__file__).parents[2].joinpath("settings.example.json").read_bytes(),),
    "answer": (
        b'\0{"count":1,"next":null,"previous":null,"results":[' + _JOB + b"]}",
        b"\0" + _JOB,
        b'\1{"id":1,"job":7,"count":1,"total_count":2,"rate":"0.500"}',
        b'\4{"detail":"Invalid token."}',
    ),
    "keywords": (b"cats, green tea", b"geo: -122.75 36.8 -121.75 37.8", b'rule: a OR (b "c d")'),
    "recovery": (_TWEET + b"\n" + _TWEET[:40],),
}
