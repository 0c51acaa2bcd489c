package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// searchTimeout bounds one search or count.
const searchTimeout = 20 * time.Second

var errTooLong = refused(http.StatusServiceUnavailable, fmt.Sprintf("the search took more than %v and was given up: narrow it, by receivedFrom and receivedUntil, a token, a correlation id or a merchant", searchTimeout))

// search reads what the filter chooses, when it is the caller's turn. What names a token or a correlation id is found by an index.
func (h *handler) search(ctx context.Context, f store.Filter, read func(context.Context) error) error {
	if f.TokenID != "" || f.CorrelationID != "" {
		return h.lookUp(ctx, read)
	}
	return within(ctx, h.searches, read)
}

// lookUp runs what reads little of the store, when it is the caller's turn.
func (h *handler) lookUp(ctx context.Context, read func(context.Context) error) error {
	return within(ctx, h.lookUps, read)
}

func within(ctx context.Context, t *turns, read func(context.Context) error) error {
	end, err := t.take(ctx, callerOf(ctx))
	if err != nil {
		return err
	}
	defer end()
	bounded, cancel := context.WithTimeoutCause(ctx, searchTimeout, errTooLong)
	defer cancel()
	if err = read(bounded); err != nil && errors.Is(context.Cause(bounded), errTooLong) {
		return errTooLong
	}
	return err
}
