package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	// maxDrain is how much of an answer's body is read so that its connection can be used again; a longer one is closed.
	maxDrain = 16 << 10
	// drainTime is how long that may take.
	drainTime = time.Second
)

// ErrInvalidURL says that the request's URL cannot be requested.
var ErrInvalidURL = errors.New("the URL is not http or https with a host")

// Answer is what is kept of a peer's answer. Its body is never looked at.
type Answer struct {
	Status int
	Header http.Header
}

// Do sends one request and answers with the status and header as soon as they are there. The request's context bounds it all, the access
// token that e may want included. Owner names whose request it is: neither connections nor tokens are shared between owners. No redirect is
// followed. An error says that there is no answer: see FaultOf. Its text is for Detail only.
//
// A 401 drops an access token that is some seconds old. The request is then sent once more with a new one, when it can be (its GetBody is
// set or it has no body) and a new one can be had; else the 401 is the answer.
func (t *Transports) Do(req *http.Request, owner string, e *serving.Endpoint) (Answer, error) {
	if e.OAuth == nil {
		return t.once(req, owner, e)
	}
	source := t.tokenSource(owner, e.OAuth)
	token, err := source.token(req.Context())
	if err != nil {
		return Answer{}, err
	}
	answer, err := t.once(authorized(req, token), owner, e)
	if err != nil || answer.Status != http.StatusUnauthorized || !source.refused(token) {
		return answer, err
	}
	again, ok := rewound(req)
	if !ok {
		return answer, nil
	}
	if token, err = source.token(req.Context()); err != nil {
		return answer, nil //nolint:nilerr // the destination has answered; why there is no other token is told by the next request
	}
	return t.once(authorized(again, token), owner, e)
}

func (t *Transports) once(req *http.Request, owner string, e *serving.Endpoint) (Answer, error) {
	res, err := t.roundTrip(req, owner, e)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	drain(res.Body)
	return Answer{Status: res.StatusCode, Header: res.Header}, nil
}

// roundTrip answers the peer's answer, whose body is the caller's to close.
func (t *Transports) roundTrip(req *http.Request, owner string, e *serving.Endpoint) (*http.Response, error) {
	if (req.URL.Scheme != "https" && req.URL.Scheme != "http") || req.URL.Hostname() == "" {
		return nil, ErrInvalidURL
	}
	var w *way
	if t.dialing.proxy != nil {
		var ctx context.Context
		ctx, w = proxied(req.Context())
		req = req.WithContext(ctx)
	}
	// RoundTrip and no http.Client: no redirects, no cookies, and no URL in the error.
	res, err := t.transport(owner, req.URL.Scheme, e).RoundTrip(req)
	if err != nil && isTimeout(err) && w.waitsForProxy() {
		return nil, &failure{FaultProxy, "the proxy did not open the tunnel in time"}
	}
	return res, err
}

// authorized answers the request with the access token: RFC 6750 section 2.1.
func authorized(req *http.Request, token *accessToken) *http.Request {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token.Text.Reveal())
	return req
}

// rewound answers the request with its body from the start.
func rewound(req *http.Request) (*http.Request, bool) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, true
	}
	if req.GetBody == nil {
		return nil, false
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, false
	}
	req = req.Clone(req.Context())
	req.Body = body
	return req, true
}

// drain reads the rest of a short answer, so that its connection can be used again.
// The answer has been given by then: nothing that goes wrong here changes it.
func drain(body io.ReadCloser) {
	tooLong := time.AfterFunc(drainTime, func() { _ = body.Close() })
	defer tooLong.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDrain))
}
