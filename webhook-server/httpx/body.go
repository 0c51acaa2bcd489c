package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// ErrBodyTooLarge says that a body has more bytes than the limit.
var ErrBodyTooLarge = errors.New("body is too large")

// ErrBodyTimeout says that a body did not arrive in time. Unlike one that was cut it says nothing against the request.
var ErrBodyTimeout = errors.New("body did not arrive in time")

// ReadBody reads a whole body of at most limit bytes within the timeout; 0 leaves the deadline to the server. A body with exactly
// limit bytes passes. The errors are ErrBodyTooLarge, ErrBodyTimeout, or another one for a body that was cut or is badly framed.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int, timeout time.Duration) ([]byte, error) {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > int64(limit) {
		return nil, ErrBodyTooLarge
	}
	control := http.NewResponseController(w)
	if timeout > 0 {
		// A writer that cannot set deadlines (a recorder) has no slow peer either.
		_ = control.SetReadDeadline(time.Now().Add(timeout))
	}
	body, err := readUpTo(r.Body, r.ContentLength, limit)
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		return nil, err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: %w", ErrBodyTimeout, err)
	case err != nil:
		return nil, fmt.Errorf("reading body: %w", err)
	}
	// net/http goes on reading to learn that the peer has left; a deadline would end the request's context while it is being served.
	// After an error the deadline stays, so that net/http does not wait for the rest of a body that never comes.
	_ = control.SetReadDeadline(time.Time{})
	return body, nil
}

func readUpTo(body io.Reader, length int64, limit int) ([]byte, error) {
	if length >= 0 {
		exact := make([]byte, length)
		_, err := io.ReadFull(body, exact)
		return exact, err
	}
	read, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	if len(read) > limit {
		return nil, ErrBodyTooLarge
	}
	return read, err
}
