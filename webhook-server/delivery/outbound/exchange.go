package outbound

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/serving"

	api "github.com/d1gateway/d1gateway/api/serving"
)

const (
	// maxTokenAnswer bounds the answer of a token endpoint, maxToken the token in it: it has to fit into a header.
	maxTokenAnswer = 64 << 10
	maxToken       = 16 << 10
	// defaultLifetime is that of a token whose answer says none, longestLifetime the most that is believed.
	defaultLifetime = 5 * time.Minute
	longestLifetime = 24 * time.Hour
	// longestMargin is how long before its end a token is replaced, or a fifth of its lifetime when that is less.
	longestMargin = 30 * time.Second
)

// exchange asks the token endpoint for an access token: RFC 6749 section 4.4. Its errors are faults: the proxy's, or FaultTokenUnavailable.
func (t *Transports) exchange(ctx context.Context, owner string, c *serving.ClientCredentials) (*accessToken, error) {
	req, err := tokenRequest(ctx, c)
	if err != nil {
		return nil, &failure{FaultTokenUnavailable, "the URL of the token endpoint cannot be requested"}
	}
	began := t.now() // the lifetime counts from here at the latest
	res, err := t.roundTrip(req, owner, c.Endpoint)
	if err != nil {
		return nil, tokenFault(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxTokenAnswer+1))
	if err != nil {
		return nil, tokenFault(err)
	}
	token, err := parseToken(res.StatusCode, body, began)
	if err != nil {
		return nil, &failure{FaultTokenUnavailable, err.Error()}
	}
	return token, nil
}

func tokenRequest(ctx context.Context, c *serving.ClientCredentials) (*http.Request, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(c.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Scopes, " "))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	// RFC 6749 section 2.3.1: both are form-encoded before base64.
	pair := url.QueryEscape(c.ClientID) + ":" + url.QueryEscape(c.ClientSecret.Reveal())
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "d1gateway")
	req.Header["Idempotency-Key"] = nil // not sent: a connection that was closed while idle is replaced by net/http
	return req, nil
}

// tokenFault puts a fault of the network down to the token endpoint, unless it is the proxy's own.
func tokenFault(err error) error {
	fault := FaultOf(err)
	if fault == FaultProxy {
		return err
	}
	text := "token endpoint: " + string(fault)
	if detail := Detail(err); detail != "" {
		text += ": " + detail
	}
	return &failure{FaultTokenUnavailable, text}
}

// parseToken reads a token endpoint's answer: RFC 6749 sections 5.1 and 5.2. Its errors repeat nothing of the answer but the status and an
// error code of that RFC.
func parseToken(status int, body []byte, began time.Time) (*accessToken, error) {
	var a struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		Error       string          `json:"error"`
	}
	err := errors.New("the token endpoint's answer is too long")
	if len(body) <= maxTokenAnswer {
		err = json.Unmarshal(body, &a)
	}
	switch {
	case status != http.StatusOK && err == nil && slices.Contains(registeredErrors, a.Error):
		return nil, errors.New("the token endpoint answered " + strconv.Itoa(status) + ", " + a.Error)
	case status != http.StatusOK:
		return nil, errors.New("the token endpoint answered " + strconv.Itoa(status))
	case err != nil:
		return nil, errors.New("the token endpoint's answer is not JSON of at most 64 KiB as RFC 6749 has it")
	case a.AccessToken == "" || len(a.AccessToken) > maxToken || strings.ContainsFunc(a.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the token endpoint's answer holds no access token that fits into a header")
	case a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer"):
		return nil, errors.New("the token endpoint's answer holds a token of another type than Bearer")
	}
	life := lifetime(a.ExpiresIn)
	end := began.Add(life)
	return &accessToken{Text: api.NewSecret(a.AccessToken), obtained: began, fresh: end.Add(-min(life/5, longestMargin)), usable: end}, nil
}

// registeredErrors are those of RFC 6749 section 5.2, and what servers answer beside them.
var registeredErrors = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "access_denied",
	"server_error", "temporarily_unavailable",
}

// lifetime reads expires_in: a number, or as some servers send it a string of digits. Without one that can be read it is defaultLifetime.
func lifetime(expiresIn json.RawMessage) time.Duration {
	seconds, err := strconv.ParseInt(strings.Trim(string(expiresIn), `"`), 10, 64)
	if err != nil {
		return defaultLifetime
	}
	return time.Duration(max(0, min(seconds, int64(longestLifetime/time.Second)))) * time.Second
}
