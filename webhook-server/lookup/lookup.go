// Package lookup asks the platform whether a token exists, for gateways that have a tokenLookup.
//
// It is asked before a notification is accepted. A token that the platform does not know yet may have been overtaken by its own
// notification, so a gateway can grant new tokens some seconds of grace, counted from the first time this replica saw the token.
//
// Only 2xx and 404 say something about a token. Whatever else comes, an access token that could not be had (tokenLookup.oauth) and a fault of
// the egress proxy included, is a Fault: D1 is to come again, and nothing is remembered. Known and unknown tokens and first sightings each
// have a memory of their own, bounded and shared fairly between gateways.
package lookup

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// maxKnown, maxUnknown and maxSightings bound what is remembered, over all gateways; one entry is some 250 bytes, 40 MB in all. Whatever is
	// forgotten is asked again, and a forgotten sighting begins a new grace. A gateway that fills a memory is the one that loses by it.
	maxKnown     = 100_000
	maxUnknown   = 10_000
	maxSightings = 50_000
	// unknownTime is the longest time that an unknown token is not asked about again: short, because the platform may be about to record it.
	unknownTime = 2 * time.Second
	// maxInFlight bounds the requests under way for one gateway.
	maxInFlight = 128
)

// Answer says what is known of a token.
type Answer int

// The answers. The zero Answer is none: it comes with an error.
const (
	_ Answer = iota
	// Known: the platform has the token, or the gateway has no tokenLookup.
	Known
	// Unknown: the platform does not have it, and its time of grace is over.
	Unknown
	// TooEarly: the platform does not have it yet; D1 should try again.
	TooEarly
)

// Options is what a Lookup is made of. Transports and Logger are required.
type Options struct {
	// Transports send the requests: the same guard and connections as deliveries.
	Transports *outbound.Transports
	// Logger gets no token id and no URL.
	Logger *slog.Logger
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Observe, when set, is told of each request to a platform: its result, from Results, and how long it took. It must not block.
	Observe func(gatewayID string, result Result, took time.Duration)
}

// Lookup answers whether tokens exist. Safe for concurrent use.
type Lookup struct {
	transports *outbound.Transports
	logger     *slog.Logger
	now        func() time.Time
	observe    func(gatewayID string, result Result, took time.Duration)
	flights    singleflight.Group
	faults     rate.Sometimes

	mu        sync.Mutex
	known     *memory // until when
	unknown   *memory // until when
	sightings *memory // since when
	underWay  map[string]int
}

// New makes a Lookup that remembers nothing yet.
func New(o Options) *Lookup {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, Result, time.Duration) {}
	}
	return &Lookup{
		transports: o.Transports,
		logger:     o.Logger,
		now:        o.Now,
		observe:    o.Observe,
		faults:     rate.Sometimes{First: 10, Interval: time.Second},
		known:      newMemory(maxKnown),
		unknown:    newMemory(maxUnknown),
		sightings:  newMemory(maxSightings),
		underWay:   map[string]int{},
	}
}

// Token says what is known of a token. An error, a *Fault or ctx's, says that the platform could not be asked: D1 should try again.
// Requests for the same token share one answer.
func (l *Lookup) Token(ctx context.Context, g *serving.Gateway, merchantID, tokenID string) (Answer, error) {
	if g.TokenLookup == nil {
		return Known, nil
	}
	q := questionAbout(g, merchantID, tokenID)
	if a, ok := l.remembered(q.key); ok {
		return a, nil
	}
	// The request outlives whoever asked first: others wait for the same answer.
	flight := l.flights.DoChan(q.gateway+" "+q.url, func() (any, error) {
		return l.ask(context.WithoutCancel(ctx), g, q)
	})
	select {
	case r := <-flight:
		a, _ := r.Val.(Answer)
		return a, r.Err
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for the token lookup: %w", ctx.Err())
	}
}

// ask sends one request and remembers the answer.
func (l *Lookup) ask(ctx context.Context, g *serving.Gateway, q question) (Answer, error) {
	if a, ok := l.remembered(q.key); ok { // by a request that ended just now
		return a, nil
	}
	if !l.enter(q.gateway) {
		return l.failed(g, &Fault{Result: Busy}, 0)
	}
	defer l.leave(q.gateway)
	began := l.now()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(g.TokenLookup.TimeoutSeconds)*time.Second)
	defer cancel()
	answer, err := l.send(ctx, g, q)
	took := l.now().Sub(began)
	switch {
	case err != nil:
		return l.failed(g, &Fault{Result: Result(outbound.FaultOf(err)), Detail: outbound.Detail(err)}, took)
	case answer.Status >= 200 && answer.Status <= 299:
		l.observe(g.GatewayID, ResultKnown, took)
		l.learnKnown(q.key, time.Duration(g.TokenLookup.CacheSeconds)*time.Second)
		return Known, nil
	case answer.Status == http.StatusNotFound:
		l.observe(g.GatewayID, ResultUnknown, took)
		return l.learnUnknown(q.key, g), nil
	default:
		return l.failed(g, &Fault{Result: UnexpectedStatus, Status: answer.Status}, took)
	}
}

func (l *Lookup) send(ctx context.Context, g *serving.Gateway, q question) (outbound.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, q.url, nil)
	if err != nil {
		return outbound.Answer{}, fmt.Errorf("%w: %w", outbound.ErrInvalidURL, err)
	}
	req.Header.Set("User-Agent", "d1gateway")
	return l.transports.Do(req, q.gateway, g.Lookup())
}

func (l *Lookup) failed(g *serving.Gateway, f *Fault, took time.Duration) (Answer, error) {
	l.observe(g.GatewayID, f.Result, took)
	l.faults.Do(func() {
		l.logger.Warn("token lookup failed", "gateway", g.GatewayID, "result", f.Result, "status", f.Status, "detail", f.Detail)
	})
	return 0, f
}

// expand fills in the URL's two variables. Everything but RFC 3986's unreserved characters is encoded, so that neither value leaves
// the path segment or the query parameter it stands in.
func expand(template, merchantID, tokenID string) string {
	return strings.NewReplacer("{merchantId}", escape(merchantID), "{tokenId}", escape(tokenID)).Replace(template)
}

func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }
