// Adds each step to the diagram as it happens; without it, the page shows them at the next load.
const steps = document.getElementById("steps");
const source = new EventSource(`/events?after=${steps.dataset.last}`);
source.addEventListener("step", (event) => {
  if (!document.getElementById(`step-${event.lastEventId}`)) {
    steps.insertAdjacentHTML("beforeend", event.data);
  }
});
