package sim

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/d1gateway/d1gateway/hack/d1sim/conform"
)

// notification is one announcement that D1 makes.
type notification struct {
	merchantID, tokenID, updateType string
}

// notification is the i-th of the run, from 0 on. Merchants change fastest and update
// types after them, so that every merchant sees every type.
func (c Config) notification(i int) notification {
	n := notification{
		merchantID: c.MerchantIDs[i%len(c.MerchantIDs)],
		updateType: c.UpdateTypes[i/len(c.MerchantIDs)%len(c.UpdateTypes)],
		tokenID:    c.TokenPrefix + strconv.Itoa(i+1),
	}
	if len(c.TokenIDs) > 0 {
		n.tokenID = c.TokenIDs[i%len(c.TokenIDs)]
	}
	return n
}

// notifier sends notifications. tokens is nil when the tenant does without OAuth.
type notifier struct {
	caller    *caller
	tokens    *tokenSource
	baseURL   string
	gatewayID string
	expect    int
}

// send brings one notification to its end. A 401 may only mean that the gateway forgot or
// revoked the token, so the first one leads to a new token and one more call.
func (n *notifier) send(ctx context.Context, what notification) (conform.Answer, error) {
	correlationID := rand.Text()
	for renewed := false; ; renewed = true {
		bearer, err := n.bearer(ctx)
		if err != nil {
			return conform.Answer{}, err
		}
		answer, err := n.caller.send(ctx, request{
			operation:     conform.Notify,
			correlationID: correlationID,
			expect:        n.expect,
			build: func(ctx context.Context) (*http.Request, error) {
				return n.request(ctx, what, bearer)
			},
		})
		if err != nil || answer.Status != http.StatusUnauthorized || answer.Status == n.expect || renewed || n.tokens == nil {
			return answer, err
		}
		n.tokens.reject(bearer)
	}
}

func (n *notifier) bearer(ctx context.Context) (string, error) {
	if n.tokens == nil {
		return "", nil
	}
	return n.tokens.get(ctx)
}

func (n *notifier) request(ctx context.Context, what notification, bearer string) (*http.Request, error) {
	body, err := json.Marshal(map[string]string{"updateType": what.updateType})
	if err != nil {
		return nil, err
	}
	target := fmt.Sprintf("%s/merchant-gateways/%s/merchants/%s/tokens/%s/notify-update", n.baseURL,
		url.PathEscape(n.gatewayID), url.PathEscape(what.merchantID), url.PathEscape(what.tokenID))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return r, nil
}
