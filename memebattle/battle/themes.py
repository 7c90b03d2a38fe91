"""What the rounds are about, when the host has no themes of their own."""

THEMES = (
    "Monday, 9:01", "The meeting that was an e-mail", "Deploying on Friday", "My code without comments",
    "When the Wi-Fi is back", "It works on my machine", "Cats run the office", "The intern has root access",
    "Coffee before and after", "The printer strikes back", "Autocorrect", "Reading the documentation",
    "Grandma finds the group chat", "Gym, day one", "The last slice of pizza", "Weekend plans",
    "Aliens visit our stand-up", "The plant I forgot to water", "Low battery", "When nobody is watching",
    "A dog explains the internet", "Cooking from a recipe", "The password rules", "Scaling to zero",
    "The neighbour's drum kit", "Lost in translation", "Superhero on a budget", "The group project",
    "Waiting for the build", "The one sock", "Time travel, but only by ten minutes", "Robots at the opera",
)  # fmt: skip
