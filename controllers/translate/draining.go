package translate

import (
	"fmt"

	"k8s.io/utils/ptr"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// Draining answers the document of a gateway that is being deleted: D1 is not answered any more, what was accepted is delivered.
func Draining(served *serving.Gateway) *serving.Gateway {
	doc := *served
	doc.Draining = true
	return &doc
}

// DrainingStatus answers the status of a gateway whose deletion waits. known says whether undelivered is what every server replica counts now; else it is
// what some have counted, or had when they were last seen.
func DrainingStatus(g *v1alpha1.MerchantGateway, undelivered int64, known bool) v1alpha1.MerchantGatewayStatus {
	status := *g.Status.DeepCopy()
	status.Undelivered = nil
	drained := no(v1alpha1.ReasonDraining, "D1 is no longer answered; the server replicas have not all said yet how many notifications wait")
	if known || undelivered > 0 {
		status.Undelivered = ptr.To(undelivered)
		counted := "wait for their delivery"
		if !known {
			counted = "waited for their delivery when the server replicas last said so"
		}
		drained = no(v1alpha1.ReasonUndeliveredNotifications, fmt.Sprintf(
			"%d notifications %s, see webhook-server's administration API; to give them up, set spec.deletionPolicy to %s", undelivered, counted, v1alpha1.DeletionDiscard))
	}
	status.Conditions = nil
	for _, c := range conditionsOf(g.Generation, judgement{v1alpha1.ConditionDrained, drained}) {
		if c.Type == v1alpha1.ConditionReady {
			c.Reason, c.Message = v1alpha1.ReasonDeleting, "The gateway is being deleted: "+drained.message
		}
		status.Conditions = append(status.Conditions, c)
	}
	return status
}
