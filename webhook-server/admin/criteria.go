package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	defaultLimit = 100
	// maxLimit leaves room for one more record in what the store answers at most: whether there is a next page.
	maxLimit = 500
)

// criteria choose notifications.
type criteria struct {
	store.Filter
	named []string // what was asked for, in order
}

const criteriaNames = "state, namespace, destination, gatewayId, merchantId, tokenId, correlationId, updateType, reason, receivedFrom, receivedUntil"

var (
	updateTypePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	reasonPattern     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	namespacePattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	errUnknownName    = errors.New("unknown")
)

// set takes one criterion. A value that can match nothing is refused rather than looked for: at night a typing mistake looks like an empty list. It
// answers errUnknownName for a name that is no criterion.
func (c *criteria) set(name, value string) (err error) {
	if value == "" {
		return fmt.Errorf("%s is empty: give a value or leave it out", quoted(name))
	}
	var good bool
	var want string
	switch name {
	case "state":
		c.State = store.State(value)
		good, want = c.State == store.Waiting || c.State == store.Delivered || c.State == store.Dead, "Waiting, Delivered or Dead"
	case "namespace":
		c.Namespace = value
		good, want = namespacePattern.MatchString(value), "the name of a namespace"
	case "destination":
		c.Lane = value
		_, good = parseLane(value)
		want = "namespace/name/merchantGatewayId or namespace/name/merchantGatewayId/merchantId, as lists show it"
	case "gatewayId":
		c.GatewayID = value
		good, want = httpx.IsWord(value, 10, 10), "a merchantGatewayId: 10 letters, digits, _ or -"
	case "merchantId":
		c.MerchantID = value
		good, want = httpx.IsWord(value, 11, 11), "a merchant id: 11 letters, digits, _ or -"
	case "tokenId":
		c.TokenID = value
		good, want = httpx.IsWord(value, 1, 48), "a token id, whole: 1 to 48 letters, digits, _ or -"
	case "correlationId":
		c.CorrelationID = value
		good, want = httpx.IsCorrelationID(value), "a correlation id: 1 to 64 letters, digits, _ or -"
	case "updateType":
		c.UpdateType = value
		good, want = updateTypePattern.MatchString(value), "an update type such as CARD_UPDATE"
	case "reason":
		c.Reason = value
		good, want = reasonPattern.MatchString(value), "a reason such as timeout"
	case "receivedFrom":
		c.ReceivedFrom, good = parseTime(value)
		want = "a time such as 2026-11-22T03:00:00Z (RFC 3339)"
	case "receivedUntil":
		c.ReceivedUntil, good = parseTime(value)
		want = "a time such as 2026-11-22T03:00:00Z (RFC 3339)"
	default:
		return errUnknownName
	}
	if !good {
		return fmt.Errorf("%s must be %s", name, want)
	}
	c.named = append(c.named, name)
	return nil
}

// check looks at the criteria together.
func (c *criteria) check() error {
	if !c.ReceivedFrom.IsZero() && !c.ReceivedUntil.IsZero() && !c.ReceivedFrom.Before(c.ReceivedUntil) {
		return errors.New("receivedFrom must be before receivedUntil")
	}
	if c.Lane == "" {
		return nil
	}
	l, _ := parseLane(c.Lane)
	switch {
	case c.Namespace != "" && c.Namespace != l.namespace:
		return errors.New("destination is in another namespace than namespace says: leave one out")
	case c.GatewayID != "" && c.GatewayID != l.gatewayID:
		return errors.New("destination is of another gateway than gatewayId says: leave one out")
	}
	c.Namespace = l.namespace
	return nil
}

// parseTime reads RFC 3339. Years beyond the common era's four digits, which JSON cannot write back, are none.
func parseTime(value string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, value)
	t = t.UTC()
	return t, err == nil && t.Year() >= 1970 && t.Year() <= 9999
}

// parseQuery reads the parameters of the list. What is unknown or stands twice is refused: a misspelled filter would list everything.
func parseQuery(query string) (criteria, error) {
	var c criteria
	values, err := url.ParseQuery(query)
	if err != nil {
		return c, errors.New("the query is not well formed")
	}
	for name, list := range values {
		if len(list) > 1 {
			return c, fmt.Errorf("parameter %s stands twice", quoted(name))
		}
		switch name {
		case "limit":
			c.Limit, err = parseLimit(list[0])
		case "after":
			c.After, err = list[0], checkID("after", list[0])
		default:
			err = c.set(name, list[0])
		}
		if errors.Is(err, errUnknownName) {
			return c, fmt.Errorf("unknown parameter %s: use %s, limit or after", quoted(name), criteriaNames)
		}
		if err != nil {
			return c, err
		}
	}
	return c, c.check()
}

// parseCriteria reads the filter of a replay.
func parseCriteria(object []byte) (criteria, error) {
	var c criteria
	err := readObject(object, func(name string, value json.RawMessage) error {
		text, err := asText(name, value)
		if err == nil {
			err = c.set(name, text)
		}
		if errors.Is(err, errUnknownName) {
			return fmt.Errorf("unknown member %s of filter: use %s", quoted(name), criteriaNames)
		}
		return err
	})
	if errors.Is(err, errNotObject) {
		return c, errors.New("filter must be an object")
	}
	if err != nil {
		return c, err
	}
	return c, c.check()
}

func parseLimit(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > maxLimit || strings.HasPrefix(value, "+") {
		return 0, fmt.Errorf("limit must be a number from 1 to %d", maxLimit)
	}
	return n, nil
}

// checkID refuses what no notification can be called.
func checkID(name, id string) error {
	if !httpx.IsWord(id, 1, 64) {
		return fmt.Errorf("%s must be the id of a notification: 1 to 64 letters, digits, _ or -", name)
	}
	return nil
}
