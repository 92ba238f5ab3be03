from zlib import decompressobj as decompressobj
from zlib import error as error
