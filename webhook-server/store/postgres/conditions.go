package postgres

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// conditions is a WHERE clause with its arguments. The zero value has none: every row meets it.
type conditions struct {
	terms []string
	args  []any
}

// with answers c and one condition more. Each ? in the term stands for the next argument.
func (c conditions) with(term string, args ...any) conditions {
	c.args = slices.Clip(c.args) // so that two that were made from c never share what is behind it
	var text strings.Builder
	for i, part := range strings.Split(term, "?") {
		if i > 0 {
			c.args = append(c.args, args[i-1]) // #nosec G602 -- a term has an argument for each ?
			text.WriteString("$" + strconv.Itoa(len(c.args)))
		}
		text.WriteString(part)
	}
	c.terms = append(slices.Clip(c.terms), text.String())
	return c
}

// where is the clause, for the end of a statement's FROM.
func (c conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// stateTerm is written out, with the condition of the partial index that serves each: an argument would hide from the planner that it does.
func stateTerm(state store.State) string {
	switch state {
	case store.Waiting:
		return "state = 0"
	case store.Delivered:
		return "state <> 0 AND state = 1"
	case store.Dead:
		return "state <> 0 AND state = 2"
	default:
		return "false"
	}
}

// conditionsOf is what the filter says of a row, but for After.
func conditionsOf(f store.Filter) conditions {
	var c conditions
	for _, equal := range []struct{ term, value string }{
		{"id = ?", f.ID}, {"gateway_id = ?", f.GatewayID}, {"merchant_id = ?", f.MerchantID}, {"token_id = ?", f.TokenID},
		{"correlation_id = ?", f.CorrelationID}, {"update_type = ?", f.UpdateType}, {"last_reason = ?", f.Reason},
	} {
		switch {
		case equal.value == "":
		case !storable(equal.value):
			c = c.with("false")
		default:
			c = c.with(equal.term, equal.value)
		}
	}
	switch prefix := f.Namespace + "/"; {
	case f.Namespace == "":
	case strings.Contains(f.Namespace, "/") || !storable(prefix): // no namespace has a slash
		c = c.with("false")
	default:
		c = c.with("lane IN (SELECT id FROM lane WHERE starts_with(name, ?))", prefix)
	}
	if f.Lane != "" {
		c = c.with("lane = ?", laneID(f.Lane))
	}
	if f.State != "" {
		c = c.with(stateTerm(f.State))
	}
	if !f.ReceivedFrom.IsZero() {
		c = c.with("received_at >= ?", millisFrom(f.ReceivedFrom))
	}
	if !f.ReceivedUntil.IsZero() {
		c = c.with("received_at < ?", millisFrom(f.ReceivedUntil))
	}
	return c
}

// storable reports whether PostgreSQL has such a text: it refuses zero bytes and what is not UTF-8, so no row has such a value.
func storable(value string) bool { return utf8.ValidString(value) && !strings.Contains(value, "\x00") }

// millisFrom is the first millisecond that is not before t: what is kept to the millisecond is before t when it is before that.
func millisFrom(t time.Time) int64 {
	millis := t.UnixMilli()
	if time.UnixMilli(millis).Before(t) {
		millis++
	}
	return millis
}
