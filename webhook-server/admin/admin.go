// Package admin is the administration API: it answers what became of notifications. This version reads; it changes nothing.
//
//	GET /v1/notifications?state=&gatewayId=&merchantId=&tokenId=&correlationId=&limit=   newest first
//	GET /v1/notifications/{id}
//	GET /v1/lanes                                                                       what waits for each destination
package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Options is what the API needs.
type Options struct {
	Store store.Store
	// Token is the bearer token that callers present. When it is empty nothing is asked for: only a loopback address may be served so.
	Token  api.Secret
	Logger *slog.Logger
}

type handler struct{ Options }

// NewHandler makes the API.
func NewHandler(o Options) http.Handler {
	h := &handler{o}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/notifications", h.list)
	mux.HandleFunc("GET /v1/notifications/{id}", h.get)
	mux.HandleFunc("GET /v1/lanes", h.lanes)
	return h.authenticated(mux)
}

func (h *handler) authenticated(next http.Handler) http.Handler {
	if h.Token.IsZero() {
		return next
	}
	want := sha256.Sum256([]byte("Bearer " + h.Token.Reveal()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="d1gateway-admin"`)
			refuse(w, http.StatusUnauthorized, "the administration token is missing or wrong")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// notification is a store.Record as the API shows it. Times are RFC 3339 in UTC.
type notification struct {
	ID            string      `json:"id"`
	State         store.State `json:"state"`
	GatewayID     string      `json:"gatewayId"`
	MerchantID    string      `json:"merchantId"`
	TokenID       string      `json:"tokenId"`
	UpdateType    string      `json:"updateType"`
	CorrelationID string      `json:"correlationId"`
	ReceivedAt    time.Time   `json:"receivedAt"`
	Attempts      int         `json:"attempts"`
	LastReason    string      `json:"lastReason,omitempty"`
	LastAttempt   time.Time   `json:"lastAttempt,omitzero"`
	NextAttempt   time.Time   `json:"nextAttempt,omitzero"`
}

func shown(r store.Record) notification {
	return notification{
		ID: r.ID, State: r.State, GatewayID: r.GatewayID, MerchantID: r.MerchantID, TokenID: r.TokenID,
		UpdateType: r.UpdateType, CorrelationID: r.CorrelationID, ReceivedAt: r.ReceivedAt.UTC(), Attempts: r.Attempts,
		LastReason: r.LastReason, LastAttempt: r.LastAttempt.UTC(), NextAttempt: r.NextAttempt.UTC(),
	}
}

func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	filter, problem := parseFilter(r.URL.Query())
	if problem != "" {
		refuse(w, http.StatusBadRequest, problem)
		return
	}
	records, err := h.Store.List(r.Context(), filter)
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	items := make([]notification, len(records))
	for i, record := range records {
		items[i] = shown(record)
	}
	answer(w, http.StatusOK, map[string]any{"items": items})
}

// parseFilter refuses what it does not know: a misspelled filter would list everything.
func parseFilter(query map[string][]string) (store.Filter, string) {
	var f store.Filter
	var state, limit string
	fields := map[string]*string{
		"state": &state, "limit": &limit, "gatewayId": &f.GatewayID, "merchantId": &f.MerchantID, "tokenId": &f.TokenID, "correlationId": &f.CorrelationID,
	}
	for name, values := range query {
		field := fields[name]
		if field == nil {
			return f, "unknown parameter " + strconv.Quote(name) + ": use state, gatewayId, merchantId, tokenId, correlationId or limit"
		}
		*field = values[0]
	}
	switch f.State = store.State(state); f.State {
	case "", store.Waiting, store.Delivered, store.Dead:
	default:
		return f, "state must be Waiting, Delivered or Dead"
	}
	if limit == "" {
		return f, ""
	}
	n, err := strconv.Atoi(limit)
	if err != nil || n < 1 || n > 1000 {
		return f, "limit must be a number from 1 to 1000"
	}
	f.Limit = n
	return f, ""
}

func (h *handler) get(w http.ResponseWriter, r *http.Request) {
	record, err := h.Store.Get(r.Context(), r.PathValue("id"))
	if errors.Is(err, store.ErrNotFound) {
		refuse(w, http.StatusNotFound, "no notification has this id")
		return
	}
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	answer(w, http.StatusOK, shown(record))
}

// lane is a store.LaneStats as the API shows it. Lane is namespace/name of the MerchantGateway, its merchantGatewayId and, for a
// merchant's own destination, the merchant id, joined by slashes.
type lane struct {
	Lane          string    `json:"lane"`
	Waiting       int       `json:"waiting"`
	OldestWaiting time.Time `json:"oldestWaiting,omitzero"`
	Dead          int       `json:"dead"`
}

func (h *handler) lanes(w http.ResponseWriter, r *http.Request) {
	stats, err := h.Store.Lanes(r.Context())
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	items := make([]lane, len(stats))
	for i, s := range stats {
		items[i] = lane{s.Lane, s.Waiting, s.OldestWaiting.UTC(), s.Dead}
	}
	answer(w, http.StatusOK, map[string]any{"items": items})
}

func (h *handler) unavailable(w http.ResponseWriter, r *http.Request, err error) {
	h.Logger.ErrorContext(r.Context(), "administration request failed", "error", err)
	refuse(w, http.StatusServiceUnavailable, "the store cannot be read")
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}

// answer masks card numbers in the whole text: a token id may look like one. Who searches for it by its whole id finds it all the same.
func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, api.MaskCardNumbers(string(text))+"\n")
}
