"""
The fast path of a body: from the socket past Twisted's HTTP client to the protocol that reads it.

From the top: `proof` finds out at each start whether the path holds, `reads` keeps together what
one read of the socket brings, `shortcut` leads the body past the client, `chunks` undoes its
chunks.  Where the path does not hold, and with `twitter.stock_http`, bodies go through the client.

What it saves.  A post of 2 to 3 kB in a chunk of its own, from the read to the line that is cut out
of it, takes 1.2 to 1.5 µs of CPU; through the client, with the chunks of a read joined to one, 1.5
times that; through the client as it comes from Twisted 2.6 to 3.1 times.

What it costs.  Four modules, of which `chunks` parses what Twisted parses as well, so that its
tests have to show that Twisted hears the same either way.  A body is taken as a `Pieces`, which
`connection` and `framing` know.  Each start tries two answers in memory.

In place of `chunks` the parser of httptools 0.9 was tried, with the same events.  From the read to
the line, in memory, it needs 0.6 to 0.7 of the CPU; the whole client needed 1.09 of today's for a
post of v1.1 and 1.00 for one of v2.  It cannot say where in a read it stands, so that Twisted could
not judge what it refuses or what comes behind the last chunk; and it takes the body of a second
answer there for more of the first one.  Four tests of this path fail with it.

What it leans on.  No private name of Twisted, but what no interface promises:

- A TCP transport reads at most its attribute `bufferSize` at once.
- TLS stands as a ProtocolWrapper in front of the HTTP client, and passes on all records of a read
  before its dataReceived() returns.
- The HTTP client takes a body in whatever chunks it comes, and misses nothing if it gets only the
  first piece and the end of a body: it counts no bytes of a chunked one.  `proof` tries that.
- deliverBody() hands over what came before it returns, and the body's protocol itself gets there:
  nobody on the way, treq included, puts another one in front of it.

The tests alone know a private name, the decoder `twisted.web.http._ChunkedTransferDecoder`, with
which they compare.
"""
