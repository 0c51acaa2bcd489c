package running

import (
	"net/http"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// Request is one request of D1. Methods change a copy, so that a test can say how a request differs from a base request.
type Request struct {
	Method string
	// Path is sent as it is, with its query.
	Path string
	// Host replaces the server's address.
	Host   string
	Header http.Header
	Body   string
	// Chunked sends the body without its length.
	Chunked bool
}

// T0 is the base token request of the contract.
func T0() Request {
	return Request{Method: http.MethodPost, Path: fixture.TokenPath, Body: "grant_type=client_credentials", Header: http.Header{
		"Authorization": {fixture.Basic}, "Content-Type": {"application/x-www-form-urlencoded"},
	}}
}

// N0 is the base notification of the contract, with that access token. An empty token sends no Authorization.
func N0(token string) Request {
	r := Request{Method: http.MethodPost, Path: fixture.NotifyPath, Body: `{"updateType":"TOKEN_STATE_CHANGE"}`, Header: http.Header{
		"Content-Type": {"application/json"}, "X-Correlation-Id": {"c-1"},
	}}
	if token != "" {
		r.Header["Authorization"] = []string{"Bearer " + token}
	}
	return r
}

// With sets a header field to the values, one line each; none removes it. The name is sent in its canonical letter case.
func (r Request) With(name string, values ...string) Request {
	r.Header = r.Header.Clone()
	name = http.CanonicalHeaderKey(name)
	delete(r.Header, name)
	if len(values) > 0 {
		r.Header[name] = values
	}
	return r
}

// WithBody replaces the body.
func (r Request) WithBody(body string) Request { r.Body = body; return r }

// WithChunks sends the body without its length.
func (r Request) WithChunks() Request { r.Chunked = true; return r }

// WithMethod replaces the method.
func (r Request) WithMethod(method string) Request { r.Method = method; return r }

// WithPath replaces the path and its query.
func (r Request) WithPath(path string) Request { r.Path = path; return r }

// WithHost replaces the Host header.
func (r Request) WithHost(host string) Request { r.Host = host; return r }

// WithToken replaces the token id in the path of a notification. It is sent as it is.
func (r Request) WithToken(id string) Request {
	r.Path = strings.Replace(r.Path, "/tokens/"+fixture.TokenID+"/", "/tokens/"+id+"/", 1)
	return r
}
