package httpx

import (
	"io"
	"net/http"
	"time"
)

// Drain bounds what becomes of a request's body that next has left unread: up to limit bytes, and for at most that long.
//
// Over HTTP/2 it reads it before the answer ends. Otherwise the stream is reset behind the answer (RFC 9113 section 8.1), and some clients, curl
// among them, then report a failed request in place of the answer. For HTTP/1.1 net/http reads by itself, and holds the answer back
// meanwhile: a deadline makes it give up on a body that does not come. A client that waits for 100 Continue has sent nothing.
func Drain(limit int64, wait time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body := &countedBody{ReadCloser: r.Body, length: r.ContentLength}
		original := r.Body
		r.Body = body
		next.ServeHTTP(w, r)
		r.Body = original // net/http knows by its own type whether 100 Continue was sent
		// After a body that was read to its end net/http listens for the peer's leaving: a deadline would end what goes on.
		if body.ended || r.Header.Get("Expect") != "" {
			return
		}
		if http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait)) == nil && r.ProtoMajor == 2 {
			_, _ = io.CopyN(io.Discard, body, limit)
		}
	})
}

// countedBody notes whether a body was read to its end.
type countedBody struct {
	io.ReadCloser
	length int64 // -1 when it is not known
	read   int64
	ended  bool
}

// Read reads on.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	b.ended = b.ended || err == io.EOF || b.read == b.length
	return n, err
}
