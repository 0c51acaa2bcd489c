package outbound

import (
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

// Do sends one request and answers with the status and header as soon as they are there. The request's context bounds it all.
// Owner names whose request it is: connections are not shared between owners. No redirect is followed.
// An error says that there is no answer: see FaultOf. Its text is for Detail only.
func (t *Transports) Do(req *http.Request, owner string, e *serving.Endpoint) (Answer, error) {
	if (req.URL.Scheme != "https" && req.URL.Scheme != "http") || req.URL.Hostname() == "" {
		return Answer{}, ErrInvalidURL
	}
	// RoundTrip and no http.Client: no redirects, no cookies, and no URL in the error.
	res, err := t.transport(owner, req.URL.Scheme, e).RoundTrip(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	drain(res.Body)
	return Answer{Status: res.StatusCode, Header: res.Header}, nil
}

// drain reads the rest of a short answer, so that its connection can be used again.
// The answer has been given by then: nothing that goes wrong here changes it.
func drain(body io.ReadCloser) {
	tooLong := time.AfterFunc(drainTime, func() { _ = body.Close() })
	defer tooLong.Stop()
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDrain))
}
