package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// maxAtAge bounds how long ago a dry run may be. The replay's instant is also where the age of what is replayed counts from.
	maxAtAge = time.Hour
	// maxAtAhead is how far the clock of another replica, which did the dry run, may be ahead.
	maxAtAhead = time.Minute
)

// replayRequest is a wire.Replay that is fit to be done.
type replayRequest struct {
	criteria
	all, dryRun bool
	confirm     int
	at          time.Time
}

// parseReplay reads a request to replay, and refuses what is likely to be a mistake: a filter without a state, one that names nothing else, all that was ever
// delivered, and a replay that nobody has counted.
func parseReplay(body []byte, now time.Time) (replayRequest, error) {
	q := replayRequest{confirm: -1, at: now}
	hasFilter := false
	err := readObject(body, func(name string, value json.RawMessage) (err error) {
		switch name {
		case "filter":
			hasFilter = true
			q.criteria, err = parseCriteria(value)
		case "all":
			q.all, err = asBool(name, value)
		case "dryRun":
			q.dryRun, err = asBool(name, value)
		case "confirmCount":
			q.confirm, err = asCount(name, value)
		case "at":
			q.at, err = parseAt(value, now)
		default:
			err = errors.New("unknown member " + quoted(name) + ": use filter, all, dryRun, confirmCount or at")
		}
		return err
	})
	switch {
	case err != nil:
		return q, err
	case !hasFilter:
		return q, errors.New("filter is needed")
	case q.dryRun == (q.confirm >= 0):
		return q, errors.New("do a dry run first (dryRun: true), and then give as confirmCount the matched that it answers")
	}
	return q, q.fit()
}

// fit refuses a filter that chooses more than anybody wants at once.
func (q *replayRequest) fit() error {
	bounded := !q.ReceivedFrom.IsZero() && !q.ReceivedUntil.IsZero()
	switch {
	case q.State == "":
		return errors.New("filter.state is needed: Dead for what was given up, Waiting to try at once what waits, Delivered to send again")
	case q.State == store.Delivered && !bounded:
		return errors.New("filter.receivedFrom and filter.receivedUntil are needed with Delivered: merchants would get all of it again")
	case q.all && len(q.named) > 1:
		return errors.New("all goes with no filter but a state: leave it out")
	case !q.all && len(q.named) < 2:
		return errors.New("the filter names nothing but a state: name a namespace, a destination or something else, or say all: true")
	}
	return nil
}

// allowed is how many may match at most: a few more than in the dry run, since more may have come meanwhile.
func (q *replayRequest) allowed() int { return q.confirm + max(10, q.confirm/10) }

func parseAt(value json.RawMessage, now time.Time) (time.Time, error) {
	text, err := asText("at", value)
	if err != nil {
		return now, err
	}
	at, ok := parseTime(text)
	if !ok || at.Before(now.Add(-maxAtAge)) || at.After(now.Add(maxAtAhead)) {
		return now, fmt.Errorf("at must be the at that a dry run answered in the last %v: do another one", maxAtAge)
	}
	return at.Truncate(time.Millisecond), nil
}

// attrs says in the log what was asked for.
func (q *replayRequest) attrs() []slog.Attr {
	var all []slog.Attr
	add := func(name, value string) {
		if value != "" {
			all = append(all, slog.String(name, value))
		}
	}
	add("state", string(q.State))
	add("namespace", q.Namespace)
	add("destination", q.Lane)
	add("gateway", q.GatewayID)
	add("merchant", q.MerchantID)
	add("token", q.TokenID)
	add("correlationId", q.CorrelationID)
	add("updateType", q.UpdateType)
	add("reason", q.Reason)
	if !q.ReceivedFrom.IsZero() {
		all = append(all, slog.Time("receivedFrom", q.ReceivedFrom))
	}
	if !q.ReceivedUntil.IsZero() {
		all = append(all, slog.Time("receivedUntil", q.ReceivedUntil))
	}
	return all
}
