package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// refusal is an answer that is no success, for the caller to read.
type refusal struct {
	status int
	body   wire.Problem
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.body.Error) }

func refused(status int, text string) error {
	return &refusal{status, wire.Problem{Error: text}}
}

// invalid is the refusal of a request that names what is wrong with it.
func invalid(err error) error { return refused(http.StatusBadRequest, err.Error()) }

// fail answers an error: a refusal as it is, anything else as a fault of the store or the API server, which is in the log only.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var answered *refusal
	if errors.As(err, &answered) {
		switch answered.status {
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "5")
		case http.StatusForbidden:
			h.audit(r, "refused", slog.String("method", r.Method), slog.String("path", r.URL.Path))
		}
		answer(w, answered.status, answered.body)
		return
	}
	if r.Context().Err() != nil {
		return // the caller has gone
	}
	h.Logger.ErrorContext(r.Context(), "administration request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", "5")
	refuse(w, http.StatusServiceUnavailable, "the store does not answer, or not in time: ask again, or for less; the server's log says more")
}

func refuse(w http.ResponseWriter, status int, text string) {
	answer(w, status, wire.Problem{Error: text})
}

// answer masks card numbers in the whole text: a token id may look like one. Who searches for it by its whole id finds it all the same.
func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // a time beyond the year 9999, which no engine keeps
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, api.MaskCardNumbers(string(text))+"\n")
}

// maxBodyBytes is far more than any request of the API needs.
const maxBodyBytes = 16 << 10

// body reads a request's JSON.
func body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	text, err := httpx.ReadBody(w, r, maxBodyBytes, 0)
	switch {
	case errors.Is(err, httpx.ErrBodyTooLarge):
		return nil, refused(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body must be at most %d bytes", maxBodyBytes))
	case err != nil:
		return nil, refused(http.StatusBadRequest, "the body did not arrive")
	case len(text) > 0 && !httpx.IsMediaType(r.Header.Get("Content-Type"), "application/json"):
		return nil, refused(http.StatusUnsupportedMediaType, "the body must be JSON: send Content-Type: application/json")
	}
	return text, nil
}
