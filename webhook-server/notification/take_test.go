package notification_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestStoreFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fails   func(context.Context) error
		outcome notification.Outcome
	}{
		"full":                    {func(context.Context) error { return fmt.Errorf("appending: %w", store.ErrFull) }, notification.StoreFull},
		"down":                    {func(context.Context) error { return errAny }, notification.StoreFailed},
		"closed":                  {func(context.Context) error { return store.ErrClosed }, notification.StoreFailed},
		"panic before the commit": {func(context.Context) error { panic("a planted value") }, notification.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			e.store.fails = c.fails
			e.wantUnavailable(e.send(e.n0()))
			e.wantOutcome(c.outcome)
			e.wantKept(0)
			if len(e.woken) > 0 {
				t.Error("a lane was woken")
			}
			if strings.Contains(e.log.String(), "a planted value") {
				t.Errorf("logged %s", e.log)
			}
		})
	}
}

func TestAPanicAfterTheCommitChangesNothing(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) { o.Wake = func(string) { panic("x") } })
	e.wantAccepted(e.send(e.n0()))
	e.wantKept(1)
	e.wantOutcome(notification.Accepted)
}

func TestLookup(t *testing.T) {
	const unknown = `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`
	for name, c := range map[string]struct {
		state   notification.TokenState
		err     error
		outcome notification.Outcome
	}{
		"known token":   {notification.TokenKnown, nil, notification.Accepted},
		"unknown token": {notification.TokenUnknown, nil, notification.UnknownToken},
		"unknown token within newTokenGraceSeconds":    {notification.TokenTooEarly, nil, notification.TokenTooNew},
		"lookup answers 5xx, 408, 429, hangs or drops": {notification.TokenKnown, errAny, notification.LookupFailed},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			e := newEndpoint(t, func(o *notification.Options) {
				o.Lookup = func(ctx context.Context, g *serving.Gateway, merchantID, tokenID string) (notification.TokenState, error) {
					if _, bounded := ctx.Deadline(); !bounded {
						t.Error("the look-up has no deadline")
					}
					asked = append(asked, g.GatewayID, merchantID, tokenID)
					return c.state, c.err
				}
			})
			e.lookUpTokens()
			got := e.send(e.n0())
			switch c.outcome {
			case notification.Accepted:
				e.wantAccepted(got)
				e.wantKept(1)
			case notification.UnknownToken:
				e.wantJSON(got, http.StatusNotFound, unknown)
			default:
				e.wantUnavailable(got)
			}
			e.wantOutcome(c.outcome)
			if strings.Join(asked, " ") != "MGW_000001 40010000001 tok_1" {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

func (e *endpoint) lookUpTokens() {
	e.t.Helper()
	e.Gateway.TokenLookup = &api.TokenLookup{URL: "https://vault.acme.example/{merchantId}/{tokenId}", TimeoutSeconds: 2}
	e.Publish()
}

func TestNoLookupConfigured(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) {
		o.Lookup = func(context.Context, *serving.Gateway, string, string) (notification.TokenState, error) {
			t.Error("it was asked")
			return notification.TokenUnknown, nil
		}
	})
	e.wantAccepted(e.send(e.n0()))
}

func TestAGatewayWithALookupThatTheServerDoesNotHaveIsAnswered503(t *testing.T) {
	e := newEndpoint(t)
	e.lookUpTokens()
	e.wantUnavailable(e.send(e.n0()))
	e.wantOutcome(notification.LookupFailed)
}

func TestAnUnknownMerchantIsNotLookedUp(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) {
		o.Lookup = func(context.Context, *serving.Gateway, string, string) (notification.TokenState, error) {
			t.Error("it was asked")
			return notification.TokenKnown, nil
		}
	})
	e.lookUpTokens()
	r := e.n0()
	r.path = strings.Replace(r.path, "40010000001", "40010000002", 1)
	e.wantJSON(e.send(r), http.StatusNotFound, `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantId"}`)
}

func TestSynchronousMode(t *testing.T) {
	for name, c := range map[string]struct {
		result  notification.ForwardResult
		status  int
		body    string
		outcome notification.Outcome
	}{
		"backend 2xx":             {notification.ForwardDelivered, http.StatusNoContent, "", notification.Forwarded},
		"backend 404":             {notification.ForwardUnknownToken, http.StatusNotFound, `{"errorCode":"UNKNOWN_TOKEN","error":"tokenId"}`, notification.UnknownToken},
		"permanent refusal":       {notification.ForwardRefused, http.StatusInternalServerError, `{"errorCode":"MERCHANT_ERROR"}`, notification.MerchantError},
		"backend timeout or 5xx":  {notification.ForwardUnavailable, http.StatusServiceUnavailable, "", notification.ForwardFailed},
		"a result out of nowhere": {99, http.StatusServiceUnavailable, "", notification.ForwardFailed},
	} {
		t.Run(name, func(t *testing.T) {
			var forwarded []store.Notification
			e := newEndpoint(t, func(o *notification.Options) {
				o.Forward = func(ctx context.Context, n store.Notification, d *serving.Destination) notification.ForwardResult {
					if deadline, _ := ctx.Deadline(); time.Until(deadline) > time.Duration(d.TimeoutSeconds)*time.Second {
						t.Error("it may take longer than the destination's timeoutSeconds")
					}
					forwarded = append(forwarded, n)
					return c.result
				}
			})
			e.Gateway.Delivery.Synchronous = true
			e.Publish()
			got := e.send(e.n0())
			if got.status != c.status || got.body != c.body {
				t.Errorf("answered %d %s, want %d %s", got.status, got.body, c.status, c.body)
			}
			if c.status == http.StatusServiceUnavailable {
				e.wantUnavailable(got)
			}
			if len(forwarded) != 1 || forwarded[0].TokenID != "tok_1" || forwarded[0].ID == "" {
				t.Errorf("forwarded %+v", forwarded)
			}
			e.wantOutcome(c.outcome)
			e.wantKept(0)
		})
	}
}

func TestASynchronousDestinationThatNobodyForwardsToIsAnswered503(t *testing.T) {
	e := newEndpoint(t)
	e.Gateway.Delivery.Synchronous = true
	e.Publish()
	e.wantUnavailable(e.send(e.n0()))
}

func TestAMerchantsOwnDestinationHasItsOwnLane(t *testing.T) {
	e := newEndpoint(t)
	own := *e.Gateway.Delivery
	e.Gateway.Merchants[0].Delivery = &own
	e.Publish()
	e.wantAccepted(e.send(e.n0()))
	if lane := <-e.woken; lane != "payments/acme/MGW_000001/40010000001" || e.store.kept[0].Lane != lane {
		t.Errorf("woke %s, stored for %s", lane, e.store.kept[0].Lane)
	}
}

func TestARepeatThatIsMergedIsAnswered204AndLoggedUnderBothIDs(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) { o.NewID = func() string { return "repeat" } })
	e.store.into = "first"
	e.Gateway.Delivery.MergeRepeats = true
	e.Publish()
	e.wantAccepted(e.send(e.n0()))
	e.wantOutcome(notification.Merged)
	e.wantKept(0)
	if logged := e.log.String(); !strings.Contains(logged, `"id":"repeat"`) || !strings.Contains(logged, `"mergedInto":"first"`) {
		t.Errorf("logged %s", logged)
	}
}

func TestTheDestinationSaysWhetherANotificationIsOrderedAndMayBeMerged(t *testing.T) {
	for _, c := range []struct{ ordered, merge bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		e := newEndpoint(t)
		e.Gateway.Delivery.Ordered, e.Gateway.Delivery.MergeRepeats = c.ordered, c.merge
		e.Publish()
		e.wantAccepted(e.send(e.n0()))
		e.wantOutcome(notification.Accepted)
		if n := e.store.kept[0]; n.Ordered != c.ordered || n.Merge != c.merge {
			t.Errorf("stored with Ordered %t and Merge %t, want %+v", n.Ordered, n.Merge, c)
		}
	}
}

func TestNothingThatMustStaySecretIsLoggedOrAnswered(t *testing.T) {
	const card = "4111111111111111"
	e := newEndpoint(t, func(o *notification.Options) {
		o.Lookup = func(context.Context, *serving.Gateway, string, string) (notification.TokenState, error) {
			return notification.TokenKnown, fmt.Errorf("asking for %s", card)
		}
	})
	var answers strings.Builder
	send := func(r request) {
		a := e.send(r)
		answers.WriteString(a.body)
		_ = a.header.Write(&answers)
	}
	r := e.n0()
	r.header.Set("X-Correlation-Id", card)
	r.path = strings.Replace(r.path, "tok_1", card, 1)
	r.body = `{"updateType":"A` + card + `","planted_name":"planted_value"}`
	send(r)
	e.lookUpTokens()
	send(r)
	authorization := r.header.Get("Authorization")
	for _, spoilt := range []string{authorization + "planted_token", "Bearer planted_token", "planted_scheme planted_token"} {
		r.header.Set("Authorization", spoilt)
		send(r)
	}
	r.header.Set("Authorization", authorization)
	r.body = `{"updateType":"planted_value"}`
	send(r)
	r.path = strings.Replace(r.path, card, card+".", 1)
	send(r)
	logged := e.log.String()
	if strings.Count(logged, "************1111") < 5 || !strings.Contains(logged, "notification accepted") {
		t.Fatalf("less is logged than was thought: %s", logged)
	}
	token := strings.Split(authorization, ".")
	for what, unwanted := range map[string]string{
		"a card number": card, "the token's claims": token[1], "the token's signature": token[2], "a planted text": "planted", "the secret": `"` + fixture.ClientSecret + `"`,
	} {
		if strings.Contains(logged, unwanted) {
			t.Errorf("%s is logged: %s", what, logged)
		}
		if strings.Contains(answers.String(), unwanted) {
			t.Errorf("%s is answered", what)
		}
	}
}
