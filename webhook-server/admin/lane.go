package admin

import (
	"regexp"
	"strings"

	"github.com/d1gateway/d1gateway/webhook-server/httpx"
)

// lane is the name of a destination taken apart: namespace/name of the MerchantGateway, its merchantGatewayId, and for a merchant's own destination
// the merchant id.
type lane struct{ namespace, name, gatewayID, merchantID string }

// A Kubernetes name (RFC 1123 subdomain) of up to 253 characters.
var resourcePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// parseLane says whether text can be the name of a destination.
func parseLane(text string) (lane, bool) {
	l := splitLane(text)
	good := namespacePattern.MatchString(l.namespace) && resourcePattern.MatchString(l.name) && httpx.IsWord(l.gatewayID, 10, 10) &&
		(strings.Count(text, "/") == 2 || httpx.IsWord(l.merchantID, 11, 11))
	return l, good
}

// splitLane takes the name of a lane of the store apart, whatever it is.
func splitLane(text string) lane {
	parts := append(strings.SplitN(text, "/", 4), "", "", "", "")
	return lane{parts[0], parts[1], parts[2], parts[3]}
}

// gateway is what the names of the gateway's lanes share.
func (l lane) gateway() string { return l.namespace + "/" + l.name + "/" + l.gatewayID }
