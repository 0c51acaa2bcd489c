package notification

import (
	"regexp"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// Path holds the fields of a notify-update path, decoded but not checked.
type Path struct{ GatewayID, MerchantID, TokenID string }

// ParsePath reads an escaped path (url.URL.EscapedPath) of the shape
//
//	/merchant-gateways/{merchantGatewayId}/merchants/{merchantId}/tokens/{tokenId}/notify-update
//
// and answers false for any other shape. A field may hold anything, even nothing or an encoded slash: such a call is D1's and gets
// an answer that names the field.
func ParsePath(escaped string) (Path, bool) {
	s, ok := httpx.Segments(escaped)
	if !ok || len(s) != 7 || s[0] != "merchant-gateways" || s[2] != "merchants" || s[4] != "tokens" || s[6] != "notify-update" {
		return Path{}, false
	}
	return Path{s[1], s[3], s[5]}, true
}

// The identifiers of the D1 document.

func isGatewayID(s string) bool  { return httpx.IsWord(s, 10, 10) }
func isMerchantID(s string) bool { return httpx.IsWord(s, 11, 11) }
func isTokenID(s string) bool    { return httpx.IsWord(s, 1, 48) }

// updateTypePattern is wider than the document's list: Thales asks for new values to be accepted.
var updateTypePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// documented are the update types that the D1 document lists.
func documented(updateType string) bool {
	return updateType == "TOKEN_STATE_CHANGE" || updateType == "CARD_UPDATE"
}
