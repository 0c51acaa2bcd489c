package translate

import (
	"fmt"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// KeyEvent says what became of a key that signs access tokens or deliveries, in words for an event.
type KeyEvent struct {
	// Reason is one of those below.
	Reason  string
	Message string
}

// Reasons of key events.
const (
	// EventSigningKeyPublished: a gateway that was served before has a new signing key.
	EventSigningKeyPublished = "SigningKeyPublished"
	// EventSigningKeyWithdrawn: a signing key was withdrawn by spec.accessTokens.withdrawnKeys.
	EventSigningKeyWithdrawn = "SigningKeyWithdrawn"
	// EventDeliverySigningRotated: new generated material signs deliveries beside the one before.
	EventDeliverySigningRotated = "DeliverySigningRotated"
	// EventDeliverySigningShown: the Secret shows the new material, since every server replica signs with it.
	EventDeliverySigningShown = "DeliverySigningShown"
	// EventDeliverySigningKeyLost: the private key was lost whose public key the Secret has shown; a new one was made.
	EventDeliverySigningKeyLost = "DeliverySigningKeyLost"
)

// keyEvents compares the documents to write with the previous one. The first key of a gateway is no event: there is none to tell it from.
func keyEvents(in GatewayInput, out GatewayOutput) []KeyEvent {
	if in.Previous == nil || out.Document == nil {
		return nil
	}
	var events []KeyEvent
	for _, id := range in.Previous.SigningKeys {
		if slices.Contains(in.Gateway.Spec.AccessTokens.WithdrawnKeys, v1alpha1.SigningKeyID(id)) {
			events = append(events, KeyEvent{EventSigningKeyWithdrawn, fmt.Sprintf("Signing key %s is withdrawn: tokens that it has signed are refused", id)})
		}
	}
	for _, k := range servedKeys(out.Document, out.Secrets) {
		if !isNamed(in.Previous, k) || signsEarlier(in, k) {
			events = append(events, KeyEvent{EventSigningKeyPublished, publishedMessage(k, in.Now)})
		}
	}
	return events
}

// signsEarlier says whether a key takes the place of a withdrawn one before its time.
func signsEarlier(in GatewayInput, k serving.SigningKey) bool {
	return in.PreviousSecrets != nil && slices.ContainsFunc(in.PreviousSecrets.SigningKeys, func(before serving.SigningKey) bool {
		return before.ID == k.ID && k.SignsFrom.Before(before.SignsFrom)
	})
}

func publishedMessage(k serving.SigningKey, now time.Time) string {
	if !k.SignsFrom.After(now) {
		return fmt.Sprintf("Signing key %s (%s) is published and signs at once", k.ID, k.Algorithm)
	}
	return fmt.Sprintf("Signing key %s (%s) is published and signs from %s", k.ID, k.Algorithm, k.SignsFrom.Format(time.RFC3339))
}
