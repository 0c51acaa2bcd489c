package httpx

import (
	"io"
	"net/http"
	"time"
)

// Drain reads what next has left of an HTTP/2 request's body, up to limit bytes and for at most that long, before the answer ends.
// Otherwise the stream is reset behind the answer (RFC 9113 section 8.1), and some clients, curl among them, then report a failed
// request in place of the answer. For HTTP/1.1 net/http does the same by itself. A client that waits for 100 Continue has sent nothing.
func Drain(limit int64, wait time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if r.ProtoMajor != 2 || r.Header.Get("Expect") != "" {
			return
		}
		if http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait)) == nil {
			_, _ = io.CopyN(io.Discard, r.Body, limit)
		}
	})
}
