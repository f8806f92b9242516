"""Reviews in mirrored pairs: the same thing, once praised and once blamed.

They are there to probe a real model's sentence vectors: can a straight line through them tell
praise from blame? Both sentences of a pair are about the same thing, so that what a sentence is
about says nothing about its judgement. For the same reason an honest cross-validation keeps the two
sentences of a pair in the same fold: else a test sentence finds its mirror image, with the other
judgement, among the training sentences.

The authors of this course wrote the sentences for it.
"""

__all__ = ["MIRRORED_REVIEWS"]

# In every two lines the praise, then the blame.
_LINES = """\
The hotel room was so quiet that we slept until nine.
The hotel room was so noisy that we lay awake until four.
The waiter remembered our order without writing it down.
The waiter forgot our order after writing it down.
The app opens in a second and never loses my notes.
The app opens after a minute and often loses my notes.
Our neighbours turn the music down after ten.
Our neighbours turn the music up after ten.
I would not send this kettle back.
I would not buy this kettle again.
I have not heard a single complaint about the new boss.
I have not heard a single kind word about the new boss.
The film is three hours long and I did not notice.
The film is three hours long and I felt each of them.
Nothing in the flat needed fixing when we moved in.
Nothing in the flat was working when we moved in.
The guide knew the old town like her own kitchen.
The guide lost her way in the old town twice.
The bread was still warm when I bought it.
The bread was already stale when I bought it.
The goalkeeper did not let a single shot past him.
The goalkeeper did not stop a single shot.
The update fixed the problem and broke nothing else.
The update broke the calendar and did not fix the problem.
The choir sang in tune from the first bar to the last.
The choir sang out of tune from the first bar to the last.
You can read the screen even in bright sunshine.
You cannot read the screen even in the shade.
The teacher makes fractions feel easy.
The teacher makes fractions feel impossible.
Rain stayed away for the whole of our holiday.
Rain stayed with us for the whole of our holiday.
The drill goes through brick as if it were butter.
The drill stops at brick as if it were steel.
The recipe worked the first time I tried it.
The recipe failed each time I tried it.
The plumber left the bathroom cleaner than he found it.
The plumber left the bathroom dirtier than he found it.
The jokes are fresh and nobody is hurt by them.
The jokes are old and nobody laughs at them.
The tent kept us dry through two nights of storm.
The tent leaked on us through two nights of drizzle.
I would still trust this bank with my savings.
I would no longer trust this bank with my savings.
The pool was so clear that we could see the bottom.
The pool was so murky that we could not see the bottom.
Children are welcome here and have plenty to do.
Children are barely tolerated here and have nothing to do.
The support team replied within minutes and solved everything.
The support team replied after weeks and solved nothing.
The pianist played the slow part with real feeling.
The pianist played the slow part without any feeling.
The path is so well marked that nobody gets lost.
The path is so poorly marked that everybody gets lost.
My daughter cannot wait for her next swimming lesson.
My daughter begs us to skip her next swimming lesson.
The curtains look just as they did in the catalogue.
The curtains look different from those in the catalogue.
The referee was fair to both teams all evening.
The referee was unfair to both teams all evening.
The manager thanks people who do more than they must.
The manager scolds people who do no more than they must.
The parcel came a day early and without a scratch.
The parcel came a week late and with a large dent.
The second season is even funnier than the first.
The second season is even duller than the first.
The air in the valley is clean and smells of pine.
The air in the valley is thick and smells of smoke.
The nurse found the vein at once and I felt nothing.
The nurse missed the vein three times and I felt faint.
The report was short, clear and free of mistakes.
The report was long, muddled and full of mistakes.
The knife has stayed sharp since the day I bought it.
The knife has been blunt since the day I bought it.
I left the theatre humming the songs.
I left the theatre before the songs were over.
The tomatoes taste of summer.
The tomatoes taste of water.
The meeting ended early because everything was settled.
The meeting ended late although nothing was settled.
The driver waited until my grandmother had sat down.
The driver pulled away before my grandmother had sat down.
The password reset took a minute and worked.
The password reset took a morning and failed.
The rent is low for such a sunny flat.
The rent is high for such a gloomy flat.
Our coach brings out the best in shy players.
Our coach brings out the worst in shy players.
The leading man disappears into the part.
The leading man never gets into the part.
The paint covered the wall in one coat.
The paint did not cover the wall in four coats.
We had no trouble finding a place to park.
We had no luck finding a place to park.
The washing machine is so quiet that I forget it is on.
The washing machine is so loud that I cannot hear the radio.
The queue moved fast and no one pushed.
The queue hardly moved and everyone pushed.
The exam tested what we had been taught.
The exam tested what we had never been taught.
The beach was empty and the sand was clean.
The beach was crowded and the sand was full of litter.
The translation reads as if it were written in English.
The translation reads as if nobody had checked the English.
The heating keeps the whole house warm in January.
The heating leaves the whole house cold in January.
The new road has halved my journey to work.
The new road has doubled my journey to work.
I ordered a second helping of the fish.
I left most of the fish on the plate.
We have already booked the cottage for next summer.
We packed our bags and left the cottage a day early.
The author trusts her readers to think for themselves.
The author talks to her readers as if they were five.
The view from the top repaid every step of the climb.
After a long climb, the top shows you a car park.
The surgeon did not rush and my fear went away.
The surgeon glanced at his watch while I described the pain.
The crowd would not let the band go home.
Half of the crowd had gone before the band finished.
Thanks to his school, my son asks for books at bedtime.
Since he started at that school, my son has stopped reading.
Colleagues in this office share what they know.
Colleagues in this office take the credit for what others do.
The couple next door watered our roses all August.
The couple next door let their dog dig up our roses.
The printer has run for six years without a paper jam.
Paper gets stuck in the printer nearly every morning.
The vet sat on the floor until our cat felt safe.
The vet grabbed our cat and frightened her.
I learned more in this course than in a year alone.
Six weeks of this course taught me nothing new.
The sauce was so tasty that we wiped our bowls clean.
The sauce came from a jar and was full of lumps.
We woke to blue sky at the coast every day.
Fog hid the coast and a cold wind kept us indoors.
The mechanic charged me less than he had said.
The mechanic charged me for repairs that he had not done.
I hear something new in her record whenever I play it.
I switched her record off halfway through.
The striker scored twice and ran until the whistle.
The striker strolled about and lost nearly every ball.
The search finds my file from a single word.
The search buries my file under pages of rubbish.
My new glasses fit so well that I forget them.
My new glasses slide off whenever I look down.
The landlord mended the boiler on the day it failed.
The landlord let us freeze for weeks when the boiler failed.
The cake was gone from the table within minutes.
Most of the cake was still on the table at midnight.
The dentist was so gentle that I nearly fell asleep.
My jaw ached for days after the dentist had finished.
The plot kept me guessing until the last page.
Anyone can guess the plot by the second page.
The crew brought us water before we asked.
The crew chatted at the back while we rang for water.
The scissors cut through thick cloth with no effort.
The scissors cannot even cut a sheet of paper.
The festival was so well run that we never had to queue.
We spent most of the festival in a queue for the toilets.
The new timetable gives us an hour for lunch.
Under the new timetable we have to skip lunch.
The salad was crisp and the cheese came from a nearby farm.
The salad had gone brown and the cheese was like rubber.
The library is bright, calm and open on most days.
The library is dark, draughty and closed on most days.
The camera catches my toddler even when she runs.
The camera turns my toddler into a grey blur.
The ferry was smooth, and not one of us felt ill.
The ferry rolled, and most of us felt ill.
The receptionist found us a room though we came late.
The receptionist gave our room away because we came late.
With these gloves my fingers do not get cold.
With these gloves my fingers go numb in minutes.
The sequel is not the letdown that I had feared.
The sequel is not the success that I had hoped for.
Nobody in the stadium wanted the match to end.
Nobody in the stadium stayed until the match had ended.
The hairdresser did what I asked and took her time.
The hairdresser took off twice as much as I asked.
The ice cream is worth a walk across town.
The ice cream is not worth a walk across the street.
The walls are thick and we hear nothing from upstairs.
The walls are thin and we hear every word from upstairs.
The puppy class turned our wild dog into a calm one.
The puppy class left our nervous dog more nervous.
The lift has not failed once in ten years.
The lift has not worked once in ten days.
The poem says a lot in twelve short lines.
The poem says little in twelve long pages.
The bike climbs hills without a sound from the gears.
The gears of the bike slip whenever the road climbs.
The mayor kept her word about the playground.
The mayor broke her word about the playground.
The dancers never put a foot wrong.
The dancers never seemed to know where to stand.
The page loads quickly and the charts are easy to read.
The page loads slowly and the charts are hard to read.
The pharmacist noticed the mistake and rang my doctor.
The pharmacist handed me the wrong box and shrugged.
The coat has not faded after twenty washes.
The coat lost its colour in the first wash.
The sun has been kind to our orchard this spring.
Late frost killed the blossom in our orchard this spring.
I cannot think of a dish that I would drop from the menu.
I cannot think of a dish that I would keep on the menu.
The interview felt like a chat among friends.
The interview felt like an hour in court.
The breakfast had something for everyone.
The breakfast had nothing that I could eat.
The showers at the campsite were never cold.
The showers at the campsite were never warm.
The game teaches you its rules as you play.
The game punishes you for rules that it never explains.
The cleaner did not miss a single corner.
The cleaner left dust in every single corner.
The builder finished in May, just as he had promised.
The builder promised May, and in October we had no roof.
The speaker held the whole room silent for an hour.
The speaker read his slides aloud for an hour.
The tap no longer drips since they came to mend it.
The tap drips faster since they came to mend it.
The zip on this bag glides and has never caught.
The zip on this bag sticks and has torn the lining.
The tour was so lovely that we did not want to go home.
The tour was so tiring that we longed to go home.
The captain passes the ball to whoever is free.
The captain never passes the ball to anyone.
The sofa was not cheap, but I do not regret a penny.
The sofa was not cheap, and it did not last a year.
I could not put this novel down.
I gave up on this novel after twenty pages.
The battery lasts for two full days.
The battery is dead before lunch.
The stew tasted fresh and full of flavour.
The stew tasted of nothing but salt.
The actors made me believe every word.
The actors seemed to read from a card.
Our tutor explains everything with patience.
Our tutor loses his temper over every question.
The seats are soft and leave plenty of room.
The seats are hard and leave no room for your knees.
We laughed from the beginning of the play to the end.
We yawned from the beginning of the play to the end.
The park is a quiet place to rest.
The park is full of rubbish and noise.
The picture on the television is sharp and bright.
The picture on the television is blurred and dim.
The shop refunded my money without a question.
The shop refused to refund my money.
My boots fitted like a glove.
My boots gave me blisters on the first day.
Her voice filled the hall and moved us to tears.
Her voice was flat and she forgot the words.
The instructions are clear and easy to follow.
The instructions make no sense at all.
The children loved every minute of the show.
The children were bored after a minute of the show.
The coffee here is the best in town.
The coffee here tastes like dirty water.
The bus was on time and clean.
The bus was late and smelled of drains.
The ending surprised and delighted me.
The ending was silly and made me angry.
The staff went out of their way to help.
The staff could not be bothered to help.
This pillow cured my stiff neck.
This pillow gave me a stiff neck.
The talk about bees opened my eyes.
The talk about bees put me to sleep.
The apples were crisp and sweet.
The apples were soft and rotten.
The neighbours welcomed us with a cake.
The neighbours shouted at us from day one.
The castle is well worth the journey.
The castle is a waste of time.
The jacket kept me dry all day.
The jacket let the rain through at once.
The doctor listened to everything I said.
The doctor did not let me finish a sentence.
The team played with heart and won.
The team lost heart and then the match.
The keyboard is a pleasure to type on.
Half of the keys on the keyboard stick.
""".splitlines()

#: Pairs of English sentences about one thing, of which the first praises and the second blames it.
MIRRORED_REVIEWS: tuple[tuple[str, str], ...] = tuple(zip(_LINES[::2], _LINES[1::2], strict=True))
