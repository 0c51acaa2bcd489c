package translate

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// servedDocuments answers those to write, or those that are kept.
func servedDocuments(in GatewayInput, out GatewayOutput) (*serving.Gateway, *serving.GatewaySecrets) {
	if out.Action == Write {
		return out.Document, out.Secrets
	}
	return in.Previous, in.PreviousSecrets
}

// servedKeys answers the keys that the document names, in the order they sign.
func servedKeys(doc *serving.Gateway, secrets *serving.GatewaySecrets) []serving.SigningKey {
	if secrets == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(secrets.SigningKeys), func(k serving.SigningKey) bool { return !isNamed(doc, k) })
}

// signingKeyStatus answers what the status shows of the keys, which are in the order they sign.
func signingKeyStatus(in GatewayInput, keys []serving.SigningKey) []v1alpha1.SigningKeyStatus {
	// The status holds at most 32; somebody who changes the algorithm back and forth sees the newest ones.
	const most = 32
	keys = keys[max(0, len(keys)-most):]
	var all []v1alpha1.SigningKeyStatus
	for i, k := range keys {
		status := v1alpha1.SigningKeyStatus{
			ID: k.ID, Algorithm: v1alpha1.SigningAlgorithm(k.Algorithm), SignsFrom: statusTime(k.SignsFrom), LastUsedTime: lastSigned(in, k),
		}
		if i+1 < len(keys) {
			status.ExpiryTime = statusTime(k.TokensUntil)
		}
		all = append(all, status)
	}
	return all
}

// lastSigned answers when a key last signed, to the hour but not before it began to: a status that followed every token would be written all the
// time. A replica that is gone reports no more, so what the status shows stands until there is something later.
func lastSigned(in GatewayInput, k serving.SigningKey) metav1.Time {
	var last time.Time
	if used := believed(in.Uses[k.ID], in.Now); !used.IsZero() {
		last = later(used.UTC().Truncate(time.Hour), k.SignsFrom)
	}
	for _, shown := range in.Gateway.Status.SigningKeys {
		if shown.ID == k.ID {
			last = later(last, believed(shown.LastUsedTime.UTC(), in.Now))
		}
	}
	return statusTime(last)
}
