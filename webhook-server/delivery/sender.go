package delivery

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Sender makes attempts over HTTP.
type Sender struct {
	transports *outbound.Transports
	now        func() time.Time
}

// NewSender sends over the given transports. now is the clock, for the signature's timestamp; time.Now when nil.
func NewSender(t *outbound.Transports, now func() time.Time) *Sender {
	if now == nil {
		now = time.Now
	}
	return &Sender{transports: t, now: now}
}

// Attempt sends the notification once and waits for the answer, at most the destination's timeout, which holds for the access token too when
// the destination wants one. Owner is the namespace/name of the MerchantGateway: its connections and tokens are its own. When ctx ends before
// the answer, the verdict is Stopped, or Timeout when that was ctx's deadline.
func (s *Sender) Attempt(ctx context.Context, n store.Notification, owner string, d *serving.Destination) Verdict {
	bounded, cancel := context.WithTimeout(ctx, time.Duration(d.TimeoutSeconds)*time.Second)
	defer cancel()
	req, err := s.request(bounded, n, d)
	if err != nil {
		return Verdict{Reason: InvalidURL} // the text would repeat the URL
	}
	answer, err := s.transports.Do(req, owner, d.Endpoint)
	if err == nil {
		return authorizedVerdict(judge(answer, s.now()), d)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Verdict{Reason: Stopped}
	}
	return Verdict{Reason: Reason(outbound.FaultOf(err)), Detail: outbound.Detail(err)}
}

// authorizedVerdict tells a refused access token from a refused notification: in Synchronous mode D1 is to come again, since what has to be
// mended is the configuration, here or at the authorization server, and it may be when it does.
func authorizedVerdict(v Verdict, d *serving.Destination) Verdict {
	if v.Status == http.StatusUnauthorized && d.Endpoint.OAuth != nil {
		v.Reason = TokenRefused
	}
	return v
}

func (s *Sender) request(ctx context.Context, n store.Notification, d *serving.Destination) (*http.Request, error) {
	body, err := eventBody(n)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	setAttributes(req.Header, n)
	sign(req.Header, d.SigningKeys, n.ID, s.now(), body)
	req.Header.Set("User-Agent", "d1gateway")
	// Nothing is sent under this name: it tells net/http that the request may go out again on a new connection when the one it
	// was given had been closed while idle. Whoever receives it twice drops one by its webhook-id.
	req.Header["Idempotency-Key"] = nil
	return req, nil
}
