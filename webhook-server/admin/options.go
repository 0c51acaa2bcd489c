package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Store is what the API needs of one.
type Store interface {
	store.Archive
	store.PauseList
	Lanes(ctx context.Context) ([]store.LaneStats, error)
}

// Options is what the API needs. Fields without a remark must be set.
type Options struct {
	Store Store
	// Lanes answers the names of the destinations that are configured now, in any order.
	Lanes func() []string
	// Changed is called after each change to what is due or paused, before the answer; nil when nobody needs to be told.
	Changed func()

	// TokenFiles hold bearer tokens, one a line, that may do everything. They are read again when they change.
	TokenFiles []string
	// Access knows the other callers; nil when there are none.
	Access Access
	// Open asks for no authentication. Only a loopback address may be served so.
	Open bool

	Logger *slog.Logger
	// Now may be nil: then it is time.Now.
	Now func() time.Time
}

type handler struct {
	Options
	door                       *door
	searches, replays, lookUps *turns
}

// NewHandler makes the API. It fails when nobody could call it, or when a file of tokens cannot be used.
func NewHandler(o Options) (http.Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if !o.Open && o.Access == nil && len(o.TokenFiles) == 0 {
		return nil, errors.New("the administration API needs a file with tokens, or a cluster that knows its callers")
	}
	d, err := newDoor(o)
	if err != nil {
		return nil, err
	}
	h := &handler{Options: o, door: d, searches: newTurns(searchTurns), replays: newTurns(replayTurns), lookUps: newTurns(lookUpTurns)}
	return h.routes(), nil
}
