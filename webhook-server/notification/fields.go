package notification

import (
	"errors"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// checkFields names the first field that is malformed, in the order path, headers, body, and reads the update type.
func (c *call) checkFields() answer {
	if !isMerchantID(c.path.MerchantID) {
		return invalidField(fieldMerchantID)
	}
	if !isTokenID(c.path.TokenID) {
		return invalidField(fieldTokenID)
	}
	if field := c.checkHeaders(); field != "" {
		return invalidField(field)
	}
	body, err := httpx.ReadBody(c.writer, c.request, MaxBodyBytes, c.Timeout)
	if errors.Is(err, httpx.ErrBodyTimeout) {
		return answer{outcome: BodyTimeout}
	}
	// A message without content needs no Content-Type (RFC 9110 section 8.3): then it is the body that is missing.
	if err == nil && len(body) > 0 && len(c.request.Header["Content-Type"]) == 0 {
		return invalidField(fieldContentType)
	}
	if err != nil {
		return invalidField(fieldBody)
	}
	return c.readUpdateType(body)
}

// checkHeaders names the first header field that is malformed, or "".
func (c *call) checkHeaders() string {
	h := c.request.Header
	if !c.gateway.OAuthDisabled && len(h["Authorization"]) > 1 {
		return fieldAuthorization
	}
	if value, lines := httpx.Single(h, "Content-Type"); lines > 1 || lines == 1 && !httpx.IsMediaType(value, "application/json") {
		return fieldContentType
	}
	// The D1 document describes no coding, and decoding one invites bodies that grow.
	if len(h["Content-Encoding"]) > 0 {
		return fieldContentEncoding
	}
	return ""
}

func (c *call) readUpdateType(body []byte) answer {
	updateType, err := httpx.StringMember(body, "updateType", maxDepth)
	switch {
	case errors.Is(err, httpx.ErrNotObject):
		return invalidField(fieldBody)
	case err != nil || !updateTypePattern.MatchString(updateType):
		return invalidField(fieldUpdateType)
	case c.gateway.StrictUpdateTypes && !documented(updateType):
		return invalidField(fieldUpdateType)
	}
	c.updateType = updateType
	return answer{}
}

func invalidField(field string) answer { return answer{InvalidField, field} }
